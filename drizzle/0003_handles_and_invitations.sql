CREATE TABLE `former_handles` (
	`handle` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`changed_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `former_handles_user` ON `former_handles` (`user_id`,`changed_at`);
--> statement-breakpoint
CREATE TABLE `invitations` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`used_by` integer
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `users` ADD `operator` integer DEFAULT false NOT NULL;
--> statement-breakpoint
-- The one before leads on, and one that the account had before is its own again.
CREATE TRIGGER users_rename AFTER UPDATE OF handle ON users WHEN new.handle <> old.handle BEGIN
  DELETE FROM former_handles WHERE handle = new.handle;
  INSERT INTO former_handles (handle, user_id, changed_at) VALUES (old.handle, old.id, unixepoch() * 1000);
END;
--> statement-breakpoint
-- In the words of the unique index, as in users_insert.
CREATE TRIGGER users_rename_check BEFORE UPDATE OF handle ON users
WHEN new.handle <> old.handle AND (
  EXISTS (SELECT 1 FROM retired_handles WHERE handle = new.handle) OR
  EXISTS (SELECT 1 FROM former_handles WHERE handle = new.handle AND user_id <> new.id)
) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;
--> statement-breakpoint
CREATE TRIGGER users_insert_former BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM former_handles WHERE handle = new.handle) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;
--> statement-breakpoint
-- Before, because the foreign key takes the rows away.
CREATE TRIGGER users_delete_former BEFORE DELETE ON users BEGIN
  INSERT INTO retired_handles (handle) SELECT handle FROM former_handles WHERE user_id = old.id ON CONFLICT DO NOTHING;
END;
