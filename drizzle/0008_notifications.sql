-- What others did to a person: liked, replied to, passed on, quoted, mentioned, followed. Rows are kept by triggers.
ALTER TABLE `users` ADD `notifications_seen` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE TABLE `notifications` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`kind` text NOT NULL CHECK (kind IN ('like', 'follow', 'reply', 'retweet', 'quote', 'mention')),
	`actor_id` integer NOT NULL,
	`tweet_id` integer CHECK ((tweet_id IS NULL) = (kind = 'follow')),
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`actor_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `notifications_user` ON `notifications` (`user_id`,`id`);--> statement-breakpoint
-- `coalesce`: two NULLs are not equal in an index, and somebody follows only once.
CREATE UNIQUE INDEX `notifications_once` ON `notifications` (`actor_id`,`user_id`,`kind`,coalesce(tweet_id, 0));--> statement-breakpoint
CREATE INDEX `notifications_tweet` ON `notifications` (`tweet_id`) WHERE tweet_id is not null;--> statement-breakpoint
-- What was there before this migration notifies nobody: the last ids of then.
CREATE TABLE `notification_starts` (
	`cause` text PRIMARY KEY NOT NULL,
	`after_id` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO notification_starts (cause, after_id)
  SELECT 'favorites', coalesce(max(id), 0) FROM favorites UNION ALL
  SELECT 'follows', coalesce(max(id), 0) FROM follows UNION ALL
  SELECT 'tweets', coalesce(max(id), 0) FROM tweets;
--> statement-breakpoint
-- The one place that decides whether a person hears of it. IGNORE: the like itself is written.
CREATE TRIGGER notifications_wanted BEFORE INSERT ON notifications
WHEN new.user_id = new.actor_id BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER favorites_insert_notify AFTER INSERT ON favorites BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'like', new.user_id, id, new.created_at FROM tweets WHERE id = new.tweet_id
    ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
CREATE TRIGGER favorites_delete_notify AFTER DELETE ON favorites BEGIN
  DELETE FROM notifications WHERE actor_id = old.user_id AND kind = 'like' AND coalesce(tweet_id, 0) = old.tweet_id
    AND user_id = (SELECT user_id FROM tweets WHERE id = old.tweet_id);
END;
--> statement-breakpoint
CREATE TRIGGER follows_insert_notify AFTER INSERT ON follows BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, created_at)
    VALUES (new.followed_id, 'follow', new.follower_id, new.created_at) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
CREATE TRIGGER follows_delete_notify AFTER DELETE ON follows BEGIN
  DELETE FROM notifications WHERE actor_id = old.follower_id AND user_id = old.followed_id AND kind = 'follow';
END;
--> statement-breakpoint
-- A retweet points to the tweet of who is told; a reply and a quote to themselves, so they take it with them.
CREATE TRIGGER tweets_insert_notify AFTER INSERT ON tweets
WHEN new.reply_to IS NOT NULL OR new.quote_of IS NOT NULL OR new.retweet_of IS NOT NULL BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'reply', new.user_id, new.id, new.created_at FROM tweets WHERE id = new.reply_to
    ON CONFLICT DO NOTHING;
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'quote', new.user_id, new.id, new.created_at FROM tweets WHERE id = new.quote_of
    ON CONFLICT DO NOTHING;
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'retweet', new.user_id, id, new.created_at FROM tweets WHERE id = new.retweet_of
    ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
CREATE TRIGGER tweets_delete_notify AFTER DELETE ON tweets WHEN old.retweet_of IS NOT NULL BEGIN
  DELETE FROM notifications WHERE actor_id = old.user_id AND kind = 'retweet' AND coalesce(tweet_id, 0) = old.retweet_of
    AND user_id = (SELECT user_id FROM tweets WHERE id = old.retweet_of);
END;
--> statement-breakpoint
-- A tweet that replies to a person or quotes one tells them once, also if it mentions them.
CREATE TRIGGER mentions_insert_notify AFTER INSERT ON mentions BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT new.user_id, 'mention', t.user_id, t.id, t.created_at FROM tweets t WHERE t.id = new.tweet_id
      AND t.id > (SELECT after_id FROM notification_starts WHERE cause = 'tweets')
      AND NOT EXISTS (SELECT 1 FROM tweets o WHERE o.id IN (t.reply_to, t.quote_of) AND o.user_id = new.user_id)
      AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.actor_id = t.user_id AND n.user_id = new.user_id
        AND n.kind IN ('reply', 'quote') AND coalesce(n.tweet_id, 0) = t.id)
    ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
CREATE TRIGGER mentions_delete_notify AFTER DELETE ON mentions BEGIN
  DELETE FROM notifications WHERE tweet_id = old.tweet_id AND user_id = old.user_id AND kind = 'mention';
END;
