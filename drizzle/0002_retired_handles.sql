CREATE TABLE `retired_handles` (
	`handle` text PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TRIGGER users_delete AFTER DELETE ON users BEGIN
  INSERT INTO retired_handles (handle) VALUES (old.handle) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
-- In the words of the unique index: whoever looks for a free handle goes on to the next one.
CREATE TRIGGER users_insert BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM retired_handles WHERE handle = new.handle) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;
