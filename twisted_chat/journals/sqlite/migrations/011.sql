-- The day on which each device of an account was used last: {"NUMBER": seconds since the epoch}.
ALTER TABLE profiles ADD COLUMN uses TEXT NOT NULL DEFAULT '{}';
