-- Counters, search rows and trend scores are kept by triggers, so that no code path can forget them.
CREATE VIRTUAL TABLE tweets_fts USING fts5(msg, content='tweets', content_rowid='id', tokenize='unicode61', prefix='2 3 4');
--> statement-breakpoint
INSERT INTO trends (id, epoch) VALUES (1, (unixepoch() - 40 * 86400) * 1000);
--> statement-breakpoint
CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN
  INSERT INTO tweets_fts (rowid, msg) VALUES (new.id, new.msg);
  UPDATE users SET tweet_count = tweet_count + 1 WHERE id = new.user_id;
END;
--> statement-breakpoint
CREATE TRIGGER tweets_delete AFTER DELETE ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) VALUES ('delete', old.id, old.msg);
  UPDATE users SET tweet_count = tweet_count - 1 WHERE id = old.user_id;
END;
--> statement-breakpoint
CREATE TRIGGER tweets_update AFTER UPDATE OF msg ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) VALUES ('delete', old.id, old.msg);
  INSERT INTO tweets_fts (rowid, msg) VALUES (new.id, new.msg);
END;
--> statement-breakpoint
CREATE TRIGGER favorites_insert AFTER INSERT ON favorites BEGIN
  UPDATE tweets SET like_count = like_count + 1, trend_score = trend_score + new.weight WHERE id = new.tweet_id;
  UPDATE users SET favorite_count = favorite_count + 1 WHERE id = new.user_id;
END;
--> statement-breakpoint
CREATE TRIGGER favorites_delete AFTER DELETE ON favorites BEGIN
  UPDATE tweets SET like_count = like_count - 1,
    trend_score = CASE WHEN like_count <= 1 THEN 0 
      WHEN old.created_at < (SELECT epoch FROM trends) THEN trend_score ELSE max(0, trend_score - old.weight) END
    WHERE id = old.tweet_id;
  UPDATE users SET favorite_count = favorite_count - 1 WHERE id = old.user_id;
END;
--> statement-breakpoint
CREATE TRIGGER follows_insert AFTER INSERT ON follows BEGIN
  UPDATE users SET following_count = following_count + 1 WHERE id = new.follower_id;
  UPDATE users SET follower_count = follower_count + 1 WHERE id = new.followed_id;
END;
--> statement-breakpoint
CREATE TRIGGER follows_delete AFTER DELETE ON follows BEGIN
  UPDATE users SET following_count = following_count - 1 WHERE id = old.follower_id;
  UPDATE users SET follower_count = follower_count - 1 WHERE id = old.followed_id;
END;
