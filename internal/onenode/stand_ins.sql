-- What 001_distribute.sql calls of Citus.
CREATE TABLE public.pg_dist_partition (logicalrelid regclass);

CREATE TABLE public.pg_dist_shard (logicalrelid regclass, shardid bigint);

CREATE FUNCTION public.create_reference_table(regclass) RETURNS void LANGUAGE sql RETURN NULL;

CREATE FUNCTION public.create_distributed_table(regclass, text, colocate_with text DEFAULT NULL) RETURNS void LANGUAGE sql RETURN NULL;

CREATE FUNCTION public.create_distributed_function(regprocedure, text DEFAULT NULL, colocate_with text DEFAULT NULL, force_delegation boolean DEFAULT NULL) RETURNS void LANGUAGE sql RETURN NULL;
