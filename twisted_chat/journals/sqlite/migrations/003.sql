-- The secret that turns tokens into public names: never shown, so that nobody can try tokens against the names.
ALTER TABLE journal ADD COLUMN secret BLOB NOT NULL DEFAULT x'';
UPDATE journal SET secret = randomblob(32);
