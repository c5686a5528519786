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
];

/// What a migration must not do by itself.
const MIGRATIONS: &[&str] = &[
    "UPDATE convor.sites SET name = 'x'",
    "DO $$ BEGIN DELETE FROM convor.sites; END $$",
    "CREATE VIEW convor.everything AS SELECT * FROM convor.sites",
    "CREATE RULE r AS ON INSERT TO convor.sites DO ALSO DELETE FROM convor.pages",
    "CREATE TABLE convor.x (p_tenant uuid)",
    "CREATE PROCEDURE convor.p() LANGUAGE sql AS $$ SELECT 1 $$",
    "CREATE FUNCTION f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$",
    "CREATE FUNCTION public.f(p_tenant uuid) RETURNS void LANGUAGE sql AS $$ SELECT 1 $$",
    "CREATE FUNCTION convor.f(p_tenant uuid) RETURNS void LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION convor.f(p_tenant uuid) RETURNS bigint LANGUAGE sql RETURN 1",
];

#[test]
fn functions_are_judged_by_their_bodies() {
    for (parameters, language, body, reason) in FUNCTIONS {
        let sql = format!(
            "CREATE FUNCTION convor.f({parameters}) RETURNS void LANGUAGE {language} AS $$ {body} $$;"
        );
        let migration = Migration::read("corpus", &sql).expect("it makes a function");
        let [function] = migration.functions() else { panic!("one function: {sql}") };
        let catalog = Catalog::of([function]);
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
    for sql in MIGRATIONS {
        assert!(Migration::read("corpus", sql).is_err(), "{sql}");
    }
}
