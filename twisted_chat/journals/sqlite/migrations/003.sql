-- What programs' tokens are known by: told to nobody, so that nobody can try tokens against their public names.
ALTER TABLE journal ADD COLUMN secret BLOB NOT NULL DEFAULT x'';
UPDATE journal SET secret = randomblob(32);
