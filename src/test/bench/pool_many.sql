BEGIN;
SELECT spsa_attach(:many);
SELECT label FROM protected WHERE id = 4711;
COMMIT;
