-- The rights of functions, types and the view on the other nodes, where a table brings what it depends on and Citus leaves its rights out.
DO $$
DECLARE
  statements text;
  failed     text;
BEGIN
  IF (SELECT groupid FROM pg_dist_local_group) <> 0 THEN
    RAISE EXCEPTION 'this is not the coordinator';
  END IF;
  PERFORM set_config('search_path', 'pg_catalog', true); -- names have their schemas then
  WITH object (name, acl) AS (
    SELECT 'FUNCTION ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p WHERE p.pronamespace = 'bizydb'::regnamespace AND p.prokind = 'f'
    UNION ALL
    SELECT 'TYPE ' || t.oid::regtype, coalesce(t.typacl, acldefault('T', t.typowner)) FROM pg_type t
    WHERE t.typnamespace = 'bizydb'::regnamespace AND t.typelem = 0 AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
    UNION ALL
    SELECT c.oid::regclass::text, c.relacl FROM pg_class c WHERE c.relnamespace = 'bizydb'::regnamespace AND c.relkind = 'v'
  ), granted (name, place, statement) AS (
    SELECT o.name, 0, format('REVOKE ALL ON %s FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter', o.name) FROM object o
    UNION ALL
    SELECT o.name, 1, format('GRANT %s ON %s TO %s', a.privilege_type, o.name, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) FROM object o, aclexplode(o.acl) AS a
    UNION ALL
    SELECT c.oid::regclass::text, 1, format('GRANT %s (%I) ON %s TO %s', x.privilege_type, a.attname, c.oid::regclass, CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL, aclexplode(a.attacl) AS x
    WHERE c.relnamespace = 'bizydb'::regnamespace AND c.relkind = 'v'
  )
  SELECT string_agg(format('EXECUTE %L;', g.statement), ' ' ORDER BY g.name, g.place, g.statement) INTO statements FROM granted g;
  SELECT string_agg(format('%s:%s: %s', r.nodename, r.nodeport, r.result), '; ') INTO failed
  FROM run_command_on_workers(format('DO %L', format('BEGIN PERFORM set_config(''citus.enable_ddl_propagation'', ''off'', true); %s END', statements))) AS r
  WHERE NOT r.success;
  IF failed IS NOT NULL THEN
    RAISE EXCEPTION 'other nodes were not given the rights: %', failed;
  END IF;
END
$$;
