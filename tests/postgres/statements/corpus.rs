//! Statements that the check has to accept or refuse, each with the rule that it stands for.

/// What the check has to say.
pub(super) enum Verdict {
    Accepted,
    /// Refused, with these words in the reason.
    Refused(&'static str),
}

use Verdict::{Accepted, Refused};

const UNBOUND: Verdict = Refused("is not bound to the tenant");
const FOREIGN: Verdict = Refused("a function of the database that the check does not know");
const KIND: Verdict = Refused("neither SELECT, INSERT, UPDATE nor DELETE");

/// A statement, the verdict, and the rule.
pub(super) const CORPUS: &[(&str, Verdict, &str)] = &[
    // One table.
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = p_tenant AND s.id = p_site", Accepted, "a conjunct binds"),
    ("SELECT name FROM convor.sites WHERE tenant_id = $1 AND id = $2", Accepted, "the only table needs no name"),
    ("SELECT s.name FROM convor.sites s WHERE p_tenant = s.tenant_id", Accepted, "either way round"),
    ("SELECT s.name FROM convor.sites s WHERE (s.tenant_id = $1::uuid)", Accepted, "brackets and a cast of the parameter"),
    ("SELECT s.name FROM convor.sites s WHERE (s.tenant_id, s.id) = (p_tenant, p_site)", Accepted, "a row, part by part"),
    ("SELECT s.name FROM convor.sites s", UNBOUND, "no condition"),
    ("SELECT s.name FROM convor.sites s WHERE s.id = p_site", UNBOUND, "another condition"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = p_tenant OR s.id = p_site", UNBOUND, "OR does not bind"),
    (
        "SELECT s.name FROM convor.sites s WHERE s.tenant_id = p_tenant AND s.id = p_site OR s.id = p_other",
        UNBOUND,
        "OR is weaker than AND",
    ),
    ("SELECT s.name FROM convor.sites s WHERE NOT s.tenant_id = p_tenant", UNBOUND, "NOT does not bind"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = s.tenant_id", UNBOUND, "a column equals itself"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id <> p_tenant", UNBOUND, "only equality binds"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id >= p_tenant", UNBOUND, "only equality binds"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id IN (p_tenant)", UNBOUND, "a list does not bind"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = ANY (p_tenants)", UNBOUND, "an array does not bind"),
    (
        "SELECT s.name FROM convor.sites s WHERE s.tenant_id IN (SELECT t.tenant_id FROM convor.tenants t WHERE t.tenant_id = p_tenant)",
        UNBOUND,
        "a query does not bind",
    ),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = p_other", UNBOUND, "another parameter"),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id = $2", UNBOUND, "another placeholder"),
    (
        "SELECT s.name FROM convor.sites s WHERE s.tenant_id = coalesce(p_tenant, s.tenant_id)",
        UNBOUND,
        "what is made of the parameter is not the parameter",
    ),
    ("SELECT s.name FROM convor.sites s WHERE s.tenant_id::text = p_tenant::text", UNBOUND, "a cast of the column"),
    (
        "SELECT s.name FROM convor.sites s WHERE s.tenant_id IS NOT DISTINCT FROM p_tenant",
        UNBOUND,
        "only equality binds",
    ),
    (
        "SELECT s.name FROM convor.sites s WHERE CASE WHEN true THEN s.tenant_id = p_tenant END",
        UNBOUND,
        "only conjuncts bind",
    ),
    (
        "SELECT s.name FROM convor.sites s WHERE (s.tenant_id, s.id) >= (p_tenant, p_site)",
        UNBOUND,
        "a row compared otherwise",
    ),
    (
        "SELECT s.tenant_id FROM convor.sites s GROUP BY s.tenant_id HAVING s.tenant_id = p_tenant",
        UNBOUND,
        "HAVING comes too late",
    ),
    ("SELECT s.name FROM convor.sites s WHERE \"s\".\"TENANT_ID\" = p_tenant", UNBOUND, "another column by its quotes"),
    ("SELECT name FROM sites WHERE tenant_id = p_tenant", Refused("without its schema"), "the search path decides nothing"),
    ("SELECT x.name FROM public.sites x WHERE x.tenant_id = p_tenant", Refused("the schema public"), "another schema"),
    (
        "SELECT s.name FROM convor.sites AS s (id, tenant_id) WHERE s.tenant_id = p_tenant",
        Refused("under other names"),
        "columns under other names",
    ),
    // Joins.
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.sites s ON s.tenant_id = v.tenant_id AND s.id = v.site_id
         WHERE v.tenant_id = p_tenant",
        Accepted,
        "bound by one that is bound",
    ),
    (
        "SELECT a.id FROM convor.visitors a JOIN convor.visitors b ON b.tenant_id = a.tenant_id
         JOIN convor.visitors c ON c.tenant_id = b.tenant_id WHERE c.tenant_id = p_tenant",
        Accepted,
        "bound over several steps, to the last",
    ),
    (
        "SELECT v.id FROM convor.visitors v, convor.sites s WHERE s.tenant_id = v.tenant_id AND v.tenant_id = p_tenant",
        Accepted,
        "a list of tables",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.sites s ON s.id = v.site_id WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "the other side of a join",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.sites s ON s.tenant_id = v.tenant_id",
        UNBOUND,
        "equal to each other, and to nothing else",
    ),
    (
        "SELECT v.id FROM convor.visitors v CROSS JOIN convor.sites s WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "every row of the other side",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.sites s ON s.tenant_id = v.id WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "equal to another column of a bound one",
    ),
    (
        "SELECT v.id, p.url FROM convor.visitors v
         LEFT JOIN convor.pages p ON p.tenant_id = v.tenant_id AND p.visitor_id = v.id WHERE v.tenant_id = p_tenant",
        Accepted,
        "the side that may stay empty is bound by the condition",
    ),
    (
        "SELECT v.id FROM convor.visitors v LEFT JOIN convor.pages p ON v.tenant_id = p_tenant AND p.tenant_id = p_tenant",
        UNBOUND,
        "a LEFT JOIN does not bind the side that it keeps",
    ),
    (
        "SELECT v.id FROM convor.visitors v RIGHT JOIN convor.pages p ON v.tenant_id = p_tenant AND p.tenant_id = p_tenant",
        UNBOUND,
        "a RIGHT JOIN does not bind the side that it keeps",
    ),
    (
        "SELECT v.id FROM convor.visitors v RIGHT JOIN convor.pages p ON v.tenant_id = p.tenant_id WHERE p.tenant_id = p_tenant",
        Accepted,
        "a RIGHT JOIN binds the other one",
    ),
    (
        "SELECT v.id FROM convor.visitors v FULL JOIN convor.pages p ON v.tenant_id = p_tenant AND p.tenant_id = p_tenant",
        UNBOUND,
        "a FULL JOIN binds neither",
    ),
    (
        "SELECT v.id FROM convor.visitors v LEFT JOIN (convor.pages p JOIN convor.sites s ON s.tenant_id = p.tenant_id)
         ON p.tenant_id = v.tenant_id WHERE v.tenant_id = p_tenant",
        Accepted,
        "a join in brackets",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.pages p USING (tenant_id) WHERE v.tenant_id = p_tenant",
        Accepted,
        "USING names the column",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN convor.pages p USING (visitor_id) WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "USING names another column",
    ),
    (
        "SELECT id FROM convor.visitors NATURAL JOIN convor.pages WHERE tenant_id = p_tenant",
        Refused("a NATURAL JOIN"),
        "nobody sees what it says",
    ),
    // Queries within queries.
    (
        "SELECT v.id, (SELECT p.url FROM convor.pages p WHERE p.tenant_id = v.tenant_id AND p.visitor_id = v.id)
         FROM convor.visitors v WHERE v.tenant_id = p_tenant",
        Accepted,
        "bound by an outer name that is bound",
    ),
    (
        "SELECT v.id, (SELECT p.url FROM convor.pages p WHERE p.visitor_id = v.id)
         FROM convor.visitors v WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "a query in the list is a scope of its own",
    ),
    (
        "SELECT v.id FROM convor.visitors v
         WHERE v.tenant_id = p_tenant AND EXISTS (SELECT FROM convor.pages p WHERE p.visitor_id = v.id)",
        UNBOUND,
        "so is one in EXISTS",
    ),
    (
        "SELECT v.id FROM convor.visitors v
         WHERE EXISTS (SELECT FROM convor.pages p WHERE p.tenant_id = v.tenant_id AND p.tenant_id = p_tenant)",
        UNBOUND,
        "what an inner scope says does not bind the outer one",
    ),
    (
        "SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant
         AND v.id IN (SELECT p.visitor_id FROM convor.pages p WHERE p.url = p_url)",
        UNBOUND,
        "so is one in IN",
    ),
    (
        "SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant
         ORDER BY (SELECT max(p.at) FROM convor.pages p)",
        UNBOUND,
        "so is one in ORDER BY",
    ),
    (
        "SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant LIMIT (SELECT count(*) FROM convor.pages)",
        UNBOUND,
        "so is one in LIMIT",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN LATERAL
         (SELECT p.url FROM convor.pages p WHERE p.tenant_id = v.tenant_id AND p.visitor_id = v.id) AS l ON true
         WHERE v.tenant_id = p_tenant",
        Accepted,
        "LATERAL sees what stands beside it",
    ),
    (
        "SELECT v.id FROM convor.visitors v JOIN LATERAL
         (SELECT p.url FROM convor.pages p WHERE p.visitor_id = v.id) AS l ON true WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "and is a scope of its own",
    ),
    (
        "SELECT v.id FROM convor.visitors v, (SELECT p.url FROM convor.pages p WHERE p.tenant_id = v.tenant_id) AS d
         WHERE v.tenant_id = p_tenant",
        UNBOUND,
        "without LATERAL it sees nothing beside it",
    ),
    (
        "SELECT s.name FROM (SELECT v.tenant_id, v.site_id FROM convor.visitors v WHERE v.tenant_id = p_tenant) AS d
         JOIN convor.sites s ON s.tenant_id = d.tenant_id",
        Accepted,
        "a query hands its tenant on",
    ),
    (
        "SELECT s.name FROM (SELECT v.id AS tenant_id FROM convor.visitors v WHERE v.tenant_id = p_tenant) AS d
         JOIN convor.sites s ON s.tenant_id = d.tenant_id",
        UNBOUND,
        "another column by its name",
    ),
    (
        "SELECT s.name FROM (SELECT v.id, v.tenant_id FROM convor.visitors v WHERE v.tenant_id = p_tenant)
         AS d (tenant_id, id) JOIN convor.sites s ON s.tenant_id = d.tenant_id",
        UNBOUND,
        "columns that have changed their names",
    ),
    (
        "SELECT s.name FROM (SELECT v.id AS p_tenant FROM convor.visitors v WHERE v.tenant_id = $1) AS d, convor.sites s
         WHERE s.tenant_id = p_tenant",
        Refused("something else is called p_tenant"),
        "a column before the parameter",
    ),
    (
        "SELECT s.name FROM convor.sites s WHERE s.tenant_id = p_tenant UNION ALL SELECT v.name FROM convor.visitors v",
        UNBOUND,
        "each side of a UNION is a scope",
    ),
    (
        "SELECT s.name FROM (SELECT v.tenant_id FROM convor.visitors v WHERE v.tenant_id = p_tenant
         UNION SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant) AS d
         JOIN convor.sites s ON s.tenant_id = d.tenant_id",
        UNBOUND,
        "what only one side of a UNION hands on",
    ),
    (
        "SELECT s.name FROM (VALUES (p_other)) AS d (tenant_id) JOIN convor.sites s ON s.tenant_id = d.tenant_id",
        UNBOUND,
        "values are not the tenant",
    ),
    (
        "SELECT s.name FROM unnest(p_ids) AS d (tenant_id), convor.sites s WHERE tenant_id = p_tenant",
        UNBOUND,
        "a column that two may have",
    ),
    // WITH.
    (
        "WITH seen AS (SELECT v.tenant_id, v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant)
         SELECT p.url FROM seen JOIN convor.pages p ON p.tenant_id = seen.tenant_id AND p.visitor_id = seen.id",
        Accepted,
        "a query with a name hands its tenant on",
    ),
    (
        "WITH sites AS (SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant) SELECT s.id FROM convor.sites s",
        UNBOUND,
        "a table stays one beside a query with its name",
    ),
    (
        "WITH gone AS (DELETE FROM convor.pages WHERE visitor_id = p_visitor RETURNING visitor_id) SELECT * FROM gone",
        UNBOUND,
        "a deletion in WITH",
    ),
    (
        "SELECT v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant
         AND EXISTS (WITH pages AS (SELECT 1) SELECT 1) AND EXISTS (SELECT 1 FROM pages)",
        Refused("without its schema"),
        "a name ends with its query",
    ),
    (
        "WITH RECURSIVE r AS (SELECT v.tenant_id, v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant
         UNION ALL SELECT p.tenant_id, p.visitor_id FROM r JOIN convor.pages p ON p.visitor_id = r.id) SELECT * FROM r",
        UNBOUND,
        "a recursion",
    ),
    // Writing.
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id, url, at) VALUES (p_tenant, $2, $3, $4)",
        Accepted,
        "the tenant in its place",
    ),
    (
        "INSERT INTO convor.pages (visitor_id, url, at) VALUES ($2, $3, $4)",
        Refused("does not name tenant_id"),
        "an insert without the column",
    ),
    ("INSERT INTO convor.pages VALUES ($1, $2, $3)", Refused("does not name tenant_id"), "an insert without columns"),
    (
        "INSERT INTO convor.pages (visitor_id, tenant_id, url, at) VALUES (p_tenant, $2, $3, $4)",
        Refused("not the tenant in the place"),
        "the tenant in another place",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id) VALUES (p_tenant, $2), ($3, $4)",
        Refused("not the tenant in the place"),
        "the second row",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id)
         SELECT v.tenant_id, v.id FROM convor.visitors v WHERE v.tenant_id = p_tenant",
        Accepted,
        "the column of a bound table",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id) SELECT v.id, v.tenant_id FROM convor.visitors v
         WHERE v.tenant_id = p_tenant",
        Refused("not the tenant in the place"),
        "the columns in another order",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id) SELECT v.* FROM convor.visitors v WHERE v.tenant_id = p_tenant",
        Refused("not the tenant in the place"),
        "columns that nobody counts",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id) SELECT p_tenant, v.id FROM convor.visitors v",
        UNBOUND,
        "rows of others under the own tenant",
    ),
    (
        "INSERT INTO convor.pages AS p (tenant_id, visitor_id, url) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, visitor_id) DO UPDATE SET url = excluded.url WHERE p.at < excluded.at",
        Accepted,
        "a conflict within the tenant",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id, url) VALUES ($1, $2, $3)
         ON CONFLICT (visitor_id) DO UPDATE SET url = excluded.url",
        Refused("ON CONFLICT does not name tenant_id"),
        "a conflict with whoever",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id, url) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, visitor_id) DO UPDATE SET tenant_id = excluded.tenant_id",
        Refused("tenant_id is assigned"),
        "a conflict that moves a row",
    ),
    (
        "INSERT INTO convor.pages (tenant_id, visitor_id, url) VALUES ($1, $2, (SELECT s.name FROM convor.sites s LIMIT 1))",
        UNBOUND,
        "a query among the values",
    ),
    ("UPDATE convor.sites SET name = $3 WHERE tenant_id = $1 AND id = $2", Accepted, "a bound update"),
    ("UPDATE convor.sites SET name = $3 WHERE id = $2", UNBOUND, "an update of everybody's"),
    ("UPDATE convor.sites SET tenant_id = $2 WHERE tenant_id = $1", Refused("tenant_id is assigned"), "a row that moves"),
    (
        "UPDATE convor.sites SET (name, tenant_id) = ($2, $3) WHERE tenant_id = $1",
        Refused("tenant_id is assigned"),
        "a row that moves among others",
    ),
    (
        "UPDATE convor.sites s SET name = v.name FROM convor.visitors v WHERE s.tenant_id = p_tenant AND v.site_id = s.id",
        UNBOUND,
        "the other table of an update",
    ),
    (
        "UPDATE convor.sites s SET name = v.name FROM convor.visitors v
         WHERE v.tenant_id = p_tenant AND v.site_id = s.id",
        UNBOUND,
        "the table that is updated",
    ),
    (
        "UPDATE convor.sites SET name = (SELECT v.name FROM convor.visitors v LIMIT 1) WHERE tenant_id = $1",
        UNBOUND,
        "a query in an assignment",
    ),
    ("DELETE FROM convor.sites WHERE tenant_id = $1 AND id = $2", Accepted, "a bound deletion"),
    ("DELETE FROM convor.sites", UNBOUND, "a deletion of everything"),
    (
        "DELETE FROM convor.sites s USING convor.visitors v WHERE s.tenant_id = p_tenant AND v.site_id = s.id",
        UNBOUND,
        "the other table of a deletion",
    ),
    (
        "DELETE FROM convor.sites WHERE tenant_id = $1 RETURNING (SELECT count(*) FROM convor.visitors)",
        UNBOUND,
        "a query in RETURNING",
    ),
    ("SELECT c.id FROM convor.conversations c WHERE c.tenant_id = p_tenant FOR NO KEY UPDATE SKIP LOCKED", Accepted, "a lock"),
    // What is exempt.
    ("SELECT m.version FROM convor.migrations m", Accepted, "which migrations have run is nobody's"),
    ("UPDATE convor.tenants SET control_head = 0", UNBOUND, "what has a tenant names it in the registry, too"),
    ("SELECT a.rolname FROM pg_catalog.pg_roles a", Accepted, "the catalogue of the database"),
    ("SELECT a.rolname FROM pg_roles a", Accepted, "which stands before every search path"),
    // Functions.
    ("SELECT * FROM convor.visitors_find($1, $2)", Accepted, "the tenant is the first argument"),
    ("SELECT convor.visitors_find(p_tenant => $1, p_visitor => $2)", Accepted, "or has its name"),
    ("SELECT * FROM convor.visitors_find($2, $1)", Refused("not the first argument"), "another argument"),
    (
        "SELECT f.* FROM convor.tenants t, convor.visitors_find(t.tenant_id, $2) f WHERE t.tenant_id = $1",
        Refused("not the first argument"),
        "a column, whatever it holds",
    ),
    (
        "SELECT s.id FROM convor.sites s WHERE s.tenant_id = $1 AND EXISTS (SELECT convor.visitors_find($3, s.id))",
        Refused("not the first argument"),
        "a call within a query",
    ),
    ("SELECT * FROM visitors_find($1, $2)", Refused("without its schema"), "a function by the search path"),
    ("SELECT * FROM convor.visitors_seek($1)", Refused("no such function"), "a function that there is not"),
    ("SELECT * FROM convor.registry_due($1, $2)", Accepted, "a function that takes no tenant"),
    ("SELECT query_to_xml('SELECT * FROM convor.sites', true, true, '')", FOREIGN, "SQL as text"),
    ("SELECT schema_to_xml_and_xmlschema('convor', true, true, '')", FOREIGN, "a schema as text"),
    ("SELECT pg_catalog.table_to_xml('convor.sites', true, true, '')", FOREIGN, "a table as text"),
    ("SELECT cursor_to_xml('c', 1, true, true, '')", FOREIGN, "a cursor as text"),
    ("SELECT database_to_xml(true, true, '')", FOREIGN, "everything as text"),
    ("SELECT d.x FROM dblink('', 'SELECT name FROM convor.sites') AS d (x)", FOREIGN, "another connection"),
    ("SELECT pg_read_file('base/1/1259')", FOREIGN, "a file"),
    ("SELECT w.word FROM ts_stat('SELECT words FROM convor.words') AS w", FOREIGN, "SQL as text, in FROM"),
    ("SELECT a_function_of_tomorrow()", FOREIGN, "what is not known is refused"),
    ("SELECT set_config('convor.tenant', p_tenant::text, true)", Accepted, "the setting for the transaction"),
    ("SELECT set_config('convor.tenant', p_other::text, true)", Refused("something else than the tenant"), "another tenant"),
    ("SELECT set_config('convor.tenant', p_tenant::text, false)", Refused("for longer"), "the setting for the session"),
    ("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)", Accepted, "how rows are found"),
    ("SELECT set_config('plan_cache_mode', 'force_custom_plan', false)", Refused("for longer"), "for the session"),
    ("SELECT set_config('row_security', 'off', true)", Refused("something else than the tenant"), "another setting"),
    // Other statements.
    ("TABLE convor.sites", Refused("not parsed"), "a table by itself"),
    ("SELECT s.name INTO x FROM convor.sites s WHERE s.tenant_id = $1", Refused("makes a table"), "a table of one's own"),
    ("TRUNCATE convor.sites", KIND, "another kind of statement"),
    ("COPY convor.sites TO STDOUT", KIND, "another kind of statement"),
    ("SET row_security = off", KIND, "another kind of statement"),
    ("LOCK TABLE convor.sites", Refused(""), "another kind of statement"),
    ("CREATE VIEW convor.v AS SELECT * FROM convor.sites WHERE tenant_id = p_tenant", KIND, "a view of its owner's"),
    (
        "MERGE INTO convor.sites s USING convor.visitors v ON s.tenant_id = p_tenant WHEN MATCHED THEN DELETE",
        KIND,
        "another kind of statement",
    ),
    ("SELECT 1; SELECT 2", Refused("not one statement"), "two statements"),
    ("SELECT (", Refused("not parsed"), "what cannot be read"),
];
