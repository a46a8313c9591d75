-- Whom people do not want to see, what they report, and suspended people. Nothing is changed or filled in.
-- How many rows of `hidden` a person has: with 0, the queries of lists are those of before.
ALTER TABLE `users` ADD `hidden_count` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- A mute is one row. A block is two, so that either side is found by its own id: 'block', and 'blocked' for the other side.
CREATE TABLE `hidden` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`viewer_id` integer NOT NULL,
	`author_id` integer NOT NULL CHECK (author_id <> viewer_id),
	`kind` text NOT NULL CHECK (kind IN ('mute', 'block', 'blocked')),
	`created_at` integer NOT NULL,
	FOREIGN KEY (`viewer_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`author_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;--> statement-breakpoint
CREATE UNIQUE INDEX `hidden_once` ON `hidden` (`viewer_id`,`author_id`,`kind`);--> statement-breakpoint
CREATE INDEX `hidden_author` ON `hidden` (`author_id`);--> statement-breakpoint
-- What a person can take back.
CREATE INDEX `hidden_own` ON `hidden` (`viewer_id`,`id`) WHERE kind <> 'blocked';--> statement-breakpoint
-- Up to these ids, causes by the actor told the person nothing, because the person hid the actor: an end of that brings
-- nothing back.
CREATE TABLE `notification_gaps` (
	`user_id` integer NOT NULL,
	`actor_id` integer NOT NULL,
	`favorites` integer NOT NULL,
	`follows` integer NOT NULL,
	`tweets` integer NOT NULL,
	PRIMARY KEY(`user_id`, `actor_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`actor_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;--> statement-breakpoint
CREATE INDEX `notification_gaps_actor` ON `notification_gaps` (`actor_id`);--> statement-breakpoint
-- One report of a person about a tweet. It stays when it is dismissed: the same person cannot report the tweet again.
CREATE TABLE `reports` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`dismissed_at` integer,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;--> statement-breakpoint
CREATE UNIQUE INDEX `reports_once` ON `reports` (`tweet_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `reports_user` ON `reports` (`user_id`);--> statement-breakpoint
CREATE INDEX `reports_open` ON `reports` (`id`) WHERE dismissed_at is null;--> statement-breakpoint
CREATE INDEX `users_suspended` ON `users` (`id`) WHERE suspended_at is not null;--> statement-breakpoint
CREATE TRIGGER hidden_insert AFTER INSERT ON hidden BEGIN
  UPDATE users SET hidden_count = hidden_count + 1 WHERE id = new.viewer_id;
  -- What they did before is out of sight, too. The badge counts these rows.
  DELETE FROM notifications WHERE actor_id = new.author_id AND user_id = new.viewer_id;
END;
--> statement-breakpoint
CREATE TRIGGER hidden_delete AFTER DELETE ON hidden BEGIN
  UPDATE users SET hidden_count = hidden_count - 1 WHERE id = old.viewer_id;
  -- Not where an account is deleted: then one of them is gone, and the gap could refer to nobody.
  INSERT INTO notification_gaps (user_id, actor_id, favorites, follows, tweets)
    SELECT viewer.id, author.id, (SELECT coalesce(max(id), 0) FROM favorites),
      (SELECT coalesce(max(id), 0) FROM follows), (SELECT coalesce(max(id), 0) FROM tweets)
    FROM users viewer CROSS JOIN users author WHERE viewer.id = old.viewer_id AND author.id = old.author_id
    ON CONFLICT (user_id, actor_id) DO UPDATE SET favorites = excluded.favorites, follows = excluded.follows,
      tweets = excluded.tweets;
END;
--> statement-breakpoint
CREATE TRIGGER hidden_insert_block AFTER INSERT ON hidden WHEN new.kind = 'block' BEGIN
  INSERT INTO hidden (viewer_id, author_id, kind, created_at)
    VALUES (new.author_id, new.viewer_id, 'blocked', new.created_at) ON CONFLICT DO NOTHING;
  DELETE FROM follows WHERE follower_id = new.viewer_id AND followed_id = new.author_id;
  DELETE FROM follows WHERE follower_id = new.author_id AND followed_id = new.viewer_id;
END;
--> statement-breakpoint
CREATE TRIGGER hidden_delete_block AFTER DELETE ON hidden WHEN old.kind = 'block' BEGIN
  DELETE FROM hidden WHERE viewer_id = old.author_id AND author_id = old.viewer_id AND kind = 'blocked';
END;
--> statement-breakpoint
DROP TRIGGER notifications_wanted;--> statement-breakpoint
-- The one place that decides whether a person hears of it. IGNORE: the like itself is written.
CREATE TRIGGER notifications_wanted BEFORE INSERT ON notifications
WHEN new.user_id = new.actor_id
  OR EXISTS (SELECT 1 FROM hidden WHERE viewer_id = new.user_id AND author_id = new.actor_id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
-- The one rule of a block: no like, follow, reply, quote or retweet across it. src/ui/errors.tsx makes a sentence of it.
CREATE TRIGGER favorites_not_blocked BEFORE INSERT ON favorites
WHEN EXISTS (SELECT 1 FROM tweets t JOIN hidden h ON h.viewer_id = new.user_id AND h.author_id = t.user_id
  AND h.kind <> 'mute' WHERE t.id = new.tweet_id) BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;
--> statement-breakpoint
CREATE TRIGGER follows_not_blocked BEFORE INSERT ON follows
WHEN EXISTS (SELECT 1 FROM hidden h WHERE h.viewer_id = new.follower_id AND h.author_id = new.followed_id
  AND h.kind <> 'mute') BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;
--> statement-breakpoint
CREATE TRIGGER tweets_not_blocked BEFORE INSERT ON tweets
WHEN (new.reply_to IS NOT NULL OR new.quote_of IS NOT NULL OR new.retweet_of IS NOT NULL)
  AND EXISTS (SELECT 1 FROM tweets t JOIN hidden h ON h.viewer_id = new.user_id AND h.author_id = t.user_id
    AND h.kind <> 'mute' WHERE t.id IN (new.reply_to, new.quote_of, new.retweet_of)) BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;
