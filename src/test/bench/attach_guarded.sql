BEGIN;
SELECT spsa_attach(:own);
COMMIT;
