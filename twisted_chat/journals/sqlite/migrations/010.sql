-- Who set the topic of a room or cleared it, and when; and when the room began. In an older file the time of the oldest
-- event that is kept stands for that of a first event which is not.
ALTER TABLE rooms ADD COLUMN topic_by TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN topic_at REAL NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN began REAL NOT NULL DEFAULT 0; -- 0: unknown
UPDATE rooms SET began = coalesce(oldest, 0);
UPDATE rooms SET (topic_by, topic_at) = (
    SELECT author, at FROM events
    WHERE id BETWEEN (rooms.id << 32) AND (rooms.id << 32 | 0xffffffff) AND kind = 'retitled' ORDER BY id DESC LIMIT 1
)
WHERE topic <> '' AND EXISTS (
    SELECT 1 FROM events
    WHERE id BETWEEN (rooms.id << 32) AND (rooms.id << 32 | 0xffffffff) AND kind = 'retitled'
);
