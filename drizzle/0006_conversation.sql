-- Replies, quotes and retweets are rows of `tweets`. Columns are only added: a rebuild of the table would delete every like.
ALTER TABLE `tweets` ADD `reply_to` integer;--> statement-breakpoint
ALTER TABLE `tweets` ADD `quote_of` integer;--> statement-breakpoint
ALTER TABLE `tweets` ADD `retweet_of` integer REFERENCES tweets(id) ON DELETE cascade;--> statement-breakpoint
ALTER TABLE `tweets` ADD `in_timeline` integer DEFAULT true NOT NULL CHECK (in_timeline IN (0, 1));--> statement-breakpoint
ALTER TABLE `tweets` ADD `reply_count` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- The CHECK is that of the whole row: SQLite adds one to a table only with a column.
ALTER TABLE `tweets` ADD `retweet_count` integer DEFAULT 0 NOT NULL CHECK (
  CASE WHEN retweet_of IS NULL THEN msg <> '' ELSE msg = '' AND reply_to IS NULL AND quote_of IS NULL END);--> statement-breakpoint
CREATE INDEX `tweets_timeline` ON `tweets` (`user_id`,`id`,`retweet_of`) WHERE in_timeline = 1;--> statement-breakpoint
CREATE INDEX `tweets_replies` ON `tweets` (`reply_to`,`id`) WHERE reply_to is not null;--> statement-breakpoint
CREATE INDEX `tweets_user_replies` ON `tweets` (`user_id`,`id`) WHERE reply_to is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `tweets_retweeted_once` ON `tweets` (`user_id`,`retweet_of`) WHERE retweet_of is not null;--> statement-breakpoint
CREATE INDEX `tweets_retweets` ON `tweets` (`retweet_of`,`id`) WHERE retweet_of is not null;--> statement-breakpoint
-- A retweet is no post of who passes it on: it is not counted as one.
DROP TRIGGER tweets_insert;--> statement-breakpoint
CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN
  INSERT INTO tweets_fts (rowid, msg) SELECT new.id, new.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (rowid, msg) SELECT new.id, new.msg
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count + 1 WHERE id = new.user_id AND new.retweet_of IS NULL;
END;--> statement-breakpoint
DROP TRIGGER tweets_delete;--> statement-breakpoint
CREATE TRIGGER tweets_delete AFTER DELETE ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (tweets_search, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count - 1 WHERE id = old.user_id AND old.retweet_of IS NULL;
END;--> statement-breakpoint
CREATE TRIGGER tweets_insert_counts AFTER INSERT ON tweets
WHEN new.reply_to IS NOT NULL OR new.retweet_of IS NOT NULL BEGIN
  UPDATE tweets SET reply_count = reply_count + 1 WHERE id = new.reply_to;
  UPDATE tweets SET retweet_count = retweet_count + 1 WHERE id = new.retweet_of;
END;--> statement-breakpoint
CREATE TRIGGER tweets_delete_counts AFTER DELETE ON tweets
WHEN old.reply_to IS NOT NULL OR old.retweet_of IS NOT NULL BEGIN
  UPDATE tweets SET reply_count = reply_count - 1 WHERE id = old.reply_to;
  UPDATE tweets SET retweet_count = retweet_count - 1 WHERE id = old.retweet_of;
END;
