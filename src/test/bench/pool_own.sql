BEGIN;
SELECT spsa_attach(:own);
SELECT label FROM protected WHERE id = 4711;
COMMIT;
