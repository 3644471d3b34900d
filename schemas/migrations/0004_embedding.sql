-- For clustering topics. L3, since an embedding lets one guess at the text it is made of; so no view shows it.
-- It hardly compresses: about a byte a dimension and post.
ALTER TABLE posts ADD COLUMN IF NOT EXISTS embedding Array(Int8) CODEC(ZSTD(1)) COMMENT 'L3 unit vector of the text times 127; empty when the model gives none';
