-- Counting needs shared memory; what is counted is tested on a server that preloads the library.
SELECT * FROM regress.error($$SELECT * FROM crm_stat$$);
SELECT * FROM regress.error($$SELECT crm_stat_reset()$$);
