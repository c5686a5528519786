//! Functions that the check has to accept or refuse, each with the rule that it stands for.

use convor_tests::tenant_check::{Catalog, Migration};

/// A function's parameters, language and body, and part of the reason why it is refused; `None` if it is not.
const FUNCTIONS: &[(&str, &str, &str, Option<&str>)] = &[
    ("p_tenant uuid", "sql", "SELECT name FROM convor.sites WHERE tenant_id = p_tenant", None),
    ("p_tenant uuid", "sql", "SELECT name FROM convor.sites", Some("not bound")),
    ("p_site uuid, p_tenant uuid", "sql", "SELECT 1", Some("the first parameter")),
    ("p_tenant text", "sql", "SELECT 1", Some("the first parameter")),
    ("p_tenant uuid, tenant_id uuid", "sql", "SELECT 1", Some("no other is called so")),
    ("p_site uuid", "sql", "SELECT name FROM convor.sites WHERE tenant_id = p_tenant", Some("not bound")),
    ("p_id uuid", "sql", "SELECT region FROM convor.tenants WHERE tenant_id = p_id", None),
    ("p_id uuid", "sql", "SELECT convor.f(p_id)", None),
    ("p_tenant uuid", "sql SECURITY DEFINER", "SELECT 1", Some("owner's rights")),
    ("p_tenant uuid", "plpython3u", "plpy.execute(1)", Some("neither sql nor plpgsql")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v_n bigint; BEGIN SELECT count(*) INTO v_n FROM convor.sites WHERE tenant_id = p_tenant;
         IF v_n > 0 THEN RETURN QUERY SELECT name FROM convor.sites WHERE tenant_id = p_tenant; ELSE RETURN; END IF; END",
        None,
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v_name text; BEGIN FOR v_name IN SELECT name FROM convor.sites LOOP RETURN NEXT; END LOOP; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN IF EXISTS (SELECT FROM convor.sites) THEN RETURN; END IF; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN IF true THEN NULL; ELSIF (SELECT count(*) FROM convor.sites) > 0 THEN NULL; END IF; END",
        Some("not bound"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN RETURN QUERY SELECT name FROM convor.sites; END", Some("not bound")),
    ("p_tenant uuid", "plpgsql", "BEGIN PERFORM 1 FROM convor.sites; END", Some("not bound")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v_n bigint := (SELECT count(*) FROM convor.sites); BEGIN RETURN; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v_n bigint; BEGIN v_n := count(*) FROM convor.sites; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN DELETE FROM convor.sites WHERE tenant_id = p_tenant; EXCEPTION WHEN others THEN DELETE FROM convor.sites; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN RAISE EXCEPTION '%', (SELECT name FROM convor.sites) USING ERRCODE = 'P0001'; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN FOR i IN 1 .. (SELECT count(*) FROM convor.sites) LOOP NULL; END LOOP; END",
        Some("not bound"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN WHILE (SELECT true FROM convor.sites) LOOP EXIT WHEN true; END LOOP; END",
        Some("not bound"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN EXECUTE 'SELECT 1'; END", Some("no statement of the subset")),
    ("p_tenant uuid", "plpgsql", "BEGIN RETURN QUERY EXECUTE 'SELECT 1'; END", Some("dynamic SQL")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP; END",
        Some("neither a query nor a range"),
    ),
    ("p_tenant uuid", "plpgsql", "DECLARE c CURSOR FOR SELECT 1; BEGIN OPEN c; END", Some("a cursor")),
    ("p_tenant uuid", "plpgsql", "BEGIN CALL convor.p(); END", Some("no statement of the subset")),
    ("p_tenant uuid", "plpgsql", "BEGIN COMMIT; END", Some("no statement of the subset")),
    ("p_tenant uuid", "plpgsql", "BEGIN p_tenant := gen_random_uuid(); END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "BEGIN SELECT gen_random_uuid() INTO STRICT p_tenant; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "DECLARE p_tenant uuid; BEGIN NULL; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "DECLARE v ALIAS FOR $1; BEGIN NULL; END", Some("an alias")),
    ("p_tenant uuid", "plpgsql", "BEGIN FOR p_tenant IN SELECT 1 LOOP NULL; END LOOP; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "BEGIN NULL; END; BEGIN NULL; END", Some("expected the end")),
    // What has an equals sign is no assignment for that.
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v text; BEGIN EXECUTE v_sql INTO v USING 1 = 1; END",
        Some("no statement of the subset"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN EXECUTE 'DELETE FROM convor.events' USING 1 = 1; END",
        Some("no statement of the subset"),
    ),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN SET convor.tenant = '01890000-0000-7000-8000-000000000000'; END",
        Some("no statement of the subset"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN SET row_security = off; END", Some("no statement of the subset")),
    ("p_tenant uuid", "plpgsql", "BEGIN set := 1; END", Some("no statement of the subset")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE c refcursor; BEGIN OPEN c FOR SELECT e.text FROM convor.events e WHERE e.staff_seq = 1; END",
        Some("no statement of the subset"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN v.field := 1; v.list[2] = 3; v.tenant_id := p_other; END", None),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN v[(SELECT count(*) FROM convor.sites)] := 1; END",
        Some("not bound"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN v[1] + 1 := 1; END", Some("no statement of the subset")),
    // The parameter under other names.
    ("p_tenant uuid", "plpgsql", "BEGIN leak.p_tenant := p_other; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "BEGIN leak.\"p_tenant\" = p_other; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "BEGIN $1 := p_other; END", Some("no statement of the subset")),
    ("p_tenant uuid", "plpgsql", "BEGIN SELECT p_other INTO leak.p_tenant; END", Some("the tenant is given")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v uuid; BEGIN SELECT p_other, p_other INTO v, leak.p_tenant; END",
        Some("the tenant is given"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN SELECT p_other INTO $1; END", Some("no plain target")),
    (
        "p_tenant uuid",
        "plpgsql",
        "BEGIN FOR v, leak.p_tenant IN SELECT 1, 2 LOOP NULL; END LOOP; END",
        Some("the tenant is given"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN FOREACH $1 IN ARRAY p_ids LOOP NULL; END LOOP; END", Some("no plain target")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v text; BEGIN NULL; EXCEPTION WHEN others THEN
         GET STACKED DIAGNOSTICS v = RETURNED_SQLSTATE, p_tenant = MESSAGE_TEXT; END",
        Some("the tenant is given"),
    ),
    ("p_tenant uuid", "plpgsql", "BEGIN GET DIAGNOSTICS leak.p_tenant := ROW_COUNT; END", Some("the tenant is given")),
    ("p_tenant uuid", "plpgsql", "BEGIN GET DIAGNOSTICS $1 = ROW_COUNT; END", Some("no plain target")),
    (
        "p_tenant uuid",
        "plpgsql",
        "DECLARE v bigint; w text; BEGIN GET DIAGNOSTICS v = ROW_COUNT, w := PG_CONTEXT; END",
        None,
    ),
    ("OUT p_tenant uuid", "sql", "SELECT 1", Some("no other is called so")),
    ("INOUT p_tenant uuid", "sql", "SELECT 1", Some("no other is called so")),
];

const FORM: &str = "a migration does not do this";
const OPTION: &str = "an option of a function";

/// What a migration must not do, and part of the reason why it is refused.
const MIGRATIONS: &[(&str, &str)] = &[
    ("UPDATE convor.sites SET name = 'x'", FORM),
    ("DO $$ BEGIN DELETE FROM convor.sites; END $$", FORM),
    ("CREATE VIEW convor.everything AS SELECT * FROM convor.sites", FORM),
    ("CREATE RULE r AS ON INSERT TO convor.sites DO ALSO DELETE FROM convor.pages", FORM),
    ("CREATE TABLE convor.x (p_tenant uuid)", "something else is called p_tenant"),
    ("CREATE TABLE convor.stolen AS SELECT * FROM convor.events", FORM),
    ("CREATE TABLE convor.stolen (id) AS SELECT e.id FROM convor.events e", FORM),
    ("CREATE TABLE convor.stolen (note text) INHERITS (convor.events)", FORM),
    ("CREATE TABLE public.x (id uuid)", FORM),
    ("CREATE TABLE convor.x (id text DEFAULT set_config('convor.tenant', 'x', true))", "only a function sets the tenant"),
    ("CREATE SCHEMA other CREATE VIEW v AS SELECT * FROM convor.events", FORM),
    ("CREATE POLICY tenant ON convor.sites USING (true)", FORM),
    ("CREATE POLICY everybody ON convor.sites USING (tenant_id IS NOT NULL)", FORM),
    ("ALTER FUNCTION convor.f(uuid) SECURITY DEFINER", FORM),
    ("ALTER FUNCTION convor.f(uuid) SET row_security = off", FORM),
    ("ALTER TABLE convor.sites NO FORCE ROW LEVEL SECURITY", FORM),
    ("ALTER TABLE convor.sites DISABLE ROW LEVEL SECURITY", FORM),
    ("ALTER TABLE convor.sites ADD COLUMN x text, NO FORCE ROW LEVEL SECURITY", FORM),
    ("ALTER TABLE convor.sites OWNER TO convor_app", FORM),
    ("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO public", FORM),
    ("GRANT pg_read_all_data TO convor_app", FORM),
    ("CREATE PROCEDURE convor.p() LANGUAGE sql AS $$ SELECT 1 $$", FORM),
    ("CREATE FUNCTION f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$", "its schema before its name"),
    ("CREATE FUNCTION public.f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$", "in Convor's schema"),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void LANGUAGE sql AS 'SELECT 1'", "no quoted text"),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS bigint LANGUAGE sql RETURN 1", OPTION),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void LANGUAGE sql SET row_security = off AS $$ SELECT 1 $$", OPTION),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void SET row_security TO off LANGUAGE sql AS $$ SELECT 1 $$", OPTION),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$ SET convor.tenant = 'x'", OPTION),
    ("CREATE FUNCTION convor.f(p_tenant uuid) RETURNS boolean LANGUAGE sql LEAKPROOF AS $$ SELECT true $$", OPTION),
    (
        "CREATE FUNCTION convor.f(p_tenant uuid, p_x xml DEFAULT query_to_xml('SELECT 1', true, true, '')) RETURNS void
         LANGUAGE sql AS $$ SELECT 1 $$",
        "has a default",
    ),
    (
        "CREATE FUNCTION convor.f(p_id uuid) RETURNS TABLE (p_tenant uuid) LANGUAGE plpgsql AS $$ BEGIN NULL; END $$",
        "a returned column",
    ),
    (
        "CREATE FUNCTION convor.f(p_tenant uuid) RETURNS TABLE (id uuid, tenant_id uuid) LANGUAGE sql AS $$ SELECT 1 $$",
        "a returned column",
    ),
    (
        "CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$;
         CREATE FUNCTION convor.f(p_id text) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$",
        "another function has its name",
    ),
];

#[test]
fn functions_are_judged_by_their_bodies() {
    for (parameters, language, body, reason) in FUNCTIONS {
        let sql = format!(
            "CREATE FUNCTION convor.f({parameters}) RETURNS void LANGUAGE {language} AS $$ {body} $$;"
        );
        let migration = Migration::read("corpus", &sql).expect("it makes a function");
        let [function] = migration.functions() else { panic!("one function: {sql}") };
        let catalog = Catalog::of([function]).expect("one function a name");
        let check = || -> Result<(), _> {
            function.statements()?.iter().try_for_each(|statement| statement.check(&catalog).map(drop))
        };
        match (check().map_err(|refusal| refusal.to_string()), reason) {
            (Ok(()), None) => {}
            (Err(refusal), Some(reason)) => assert!(refusal.contains(reason), "{sql}: {refusal}"),
            (result, _) => panic!("{sql}: {result:?}"),
        }
    }
}

#[test]
fn a_migration_only_shapes_the_schema() {
    for (sql, reason) in MIGRATIONS {
        let refusal = Migration::read("corpus", sql).expect_err(sql);
        assert!(refusal.to_string().contains(reason), "{sql}: {refusal}");
    }
    let accepted = Migration::read(
        "corpus",
        "ALTER TABLE convor.sites ADD COLUMN motto text, ADD CONSTRAINT motto_size CHECK (octet_length(motto) < 200);
         ALTER TABLE convor.sites FORCE ROW LEVEL SECURITY;
         CREATE FUNCTION convor.f(p_tenant uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$ SELECT 1 $$;
         CREATE OR REPLACE FUNCTION convor.f(p_tenant uuid) RETURNS uuid[] LANGUAGE sql AS $$ SELECT 2 $$",
    );
    assert_eq!(accepted.expect("it only shapes the schema").functions().len(), 2);
}
