CREATE UNIQUE INDEX `favorites_once` ON `favorites` (`user_id`,`tweet_id`);

CREATE INDEX `favorites_tweet` ON `favorites` (`tweet_id`,`id`);

CREATE INDEX `favorites_user` ON `favorites` (`user_id`,`id`);

CREATE INDEX `follows_followed` ON `follows` (`followed_id`,`id`);

CREATE INDEX `follows_follower` ON `follows` (`follower_id`,`id`);

CREATE UNIQUE INDEX `follows_once` ON `follows` (`follower_id`,`followed_id`);

CREATE INDEX `sessions_user` ON `sessions` (`user_id`);

CREATE UNIQUE INDEX `tweets_key` ON `tweets` (`user_id`,`key`) WHERE key is not null;

CREATE INDEX `tweets_trending` ON `tweets` (`trend_score`) WHERE like_count >= 2;

CREATE INDEX `tweets_user` ON `tweets` (`user_id`,`id`);

CREATE INDEX `users_followers` ON `users` (`follower_count`);

CREATE UNIQUE INDEX `users_handle` ON `users` (`handle`);

CREATE UNIQUE INDEX `users_mailaddress` ON `users` (`mailaddress`);

CREATE INDEX `users_wide_domain` ON `users` (`id`) WHERE mailaddress glob '*@*[^ -~]*';

CREATE TABLE `favorites` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`tweet_id` integer NOT NULL,
	`weight` real NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `follows` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`follower_id` integer NOT NULL,
	`followed_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`follower_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`followed_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `retired_handles` (
	`handle` text PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE `sessions` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	`seen_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE `trends` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL
) STRICT;

CREATE TABLE `tweets` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`msg` text NOT NULL,
	`key` text,
	`created_at` integer NOT NULL,
	`like_count` integer DEFAULT 0 NOT NULL,
	`trend_score` real DEFAULT 0 NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE VIRTUAL TABLE tweets_fts USING fts5(msg, content='tweets', content_rowid='id', tokenize='unicode61', prefix='2 3 4');

CREATE TABLE `users` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`handle` text NOT NULL,
	`mailaddress` text NOT NULL,
	`password_hash` text NOT NULL,
	`bio` text DEFAULT '' NOT NULL,
	`demo` integer DEFAULT false NOT NULL,
	`suspended_at` integer,
	`created_at` integer NOT NULL,
	`tweet_count` integer DEFAULT 0 NOT NULL,
	`follower_count` integer DEFAULT 0 NOT NULL,
	`following_count` integer DEFAULT 0 NOT NULL,
	`favorite_count` integer DEFAULT 0 NOT NULL
) STRICT;

CREATE TRIGGER favorites_delete AFTER DELETE ON favorites BEGIN
  UPDATE tweets SET like_count = like_count - 1,
    trend_score = CASE WHEN like_count <= 1 THEN 0 
      WHEN old.created_at < (SELECT epoch FROM trends) THEN trend_score ELSE max(0, trend_score - old.weight) END
    WHERE id = old.tweet_id;
  UPDATE users SET favorite_count = favorite_count - 1 WHERE id = old.user_id;
END;

CREATE TRIGGER favorites_insert AFTER INSERT ON favorites BEGIN
  UPDATE tweets SET like_count = like_count + 1, trend_score = trend_score + new.weight WHERE id = new.tweet_id;
  UPDATE users SET favorite_count = favorite_count + 1 WHERE id = new.user_id;
END;

CREATE TRIGGER follows_delete AFTER DELETE ON follows BEGIN
  UPDATE users SET following_count = following_count - 1 WHERE id = old.follower_id;
  UPDATE users SET follower_count = follower_count - 1 WHERE id = old.followed_id;
END;

CREATE TRIGGER follows_insert AFTER INSERT ON follows BEGIN
  UPDATE users SET following_count = following_count + 1 WHERE id = new.follower_id;
  UPDATE users SET follower_count = follower_count + 1 WHERE id = new.followed_id;
END;

CREATE TRIGGER tweets_delete AFTER DELETE ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) VALUES ('delete', old.id, old.msg);
  UPDATE users SET tweet_count = tweet_count - 1 WHERE id = old.user_id;
END;

CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN
  INSERT INTO tweets_fts (rowid, msg) VALUES (new.id, new.msg);
  UPDATE users SET tweet_count = tweet_count + 1 WHERE id = new.user_id;
END;

CREATE TRIGGER tweets_update AFTER UPDATE OF msg ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) VALUES ('delete', old.id, old.msg);
  INSERT INTO tweets_fts (rowid, msg) VALUES (new.id, new.msg);
END;

CREATE TRIGGER users_delete AFTER DELETE ON users BEGIN
  INSERT INTO retired_handles (handle) VALUES (old.handle) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER users_insert BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM retired_handles WHERE handle = new.handle) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;
