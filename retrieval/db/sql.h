/*
 * Every statement on the store's tables, by name; schema.c has the tables. A document's passages
 * have consecutive ids from first_passage, so that neither needs an index on the other.
 */
#ifndef RETRIEVAL_SQL_H
#define RETRIEVAL_SQL_H

/* clang-format off */
#define SQL_ROWS(ROW) \
	ROW(BEGIN, "BEGIN IMMEDIATE") \
	ROW(BEGIN_READ, "BEGIN") \
	ROW(COMMIT, "COMMIT") \
	ROW(ROLLBACK, "ROLLBACK") \
	ROW(META_GET, "SELECT value FROM meta WHERE key = ?1") \
	ROW(META_PUT, "INSERT INTO meta(key, value) VALUES(?1, ?2) " \
		"ON CONFLICT(key) DO UPDATE SET value = excluded.value") \
	/* collections */ \
	ROW(COLLECTION_ALL, \
		"SELECT id, name, owner, grp, mode, updated, generation, EXISTS(SELECT 1 FROM " \
		"meta WHERE key = 'renewal ' || collection.id) FROM collection") \
	ROW(COLLECTION_CHANGES, "SELECT changes FROM collection WHERE id = ?1") \
	ROW(COLLECTION_BUMP, "UPDATE collection SET changes = changes + 1 WHERE id = ?1") \
	ROW(COLLECTION_LEARNED, \
		"UPDATE collection SET generation = ?2, changes = changes + 1 WHERE id = ?1") \
	ROW(COLLECTION_FIND, \
		"SELECT id, owner, grp, mode, updated FROM collection WHERE name = ?1") \
	ROW(COLLECTION_ADD, \
		"INSERT INTO collection(name, owner, grp, mode, updated) " \
		"VALUES(?1, ?2, ?3, ?4, ?5)") \
	ROW(COLLECTION_CHANGE, \
		"UPDATE collection SET owner = ?2, grp = ?3, mode = ?4, updated = ?5 " \
		"WHERE id = ?1") \
	ROW(COLLECTION_TOUCH, "UPDATE collection SET updated = ?2 WHERE id = ?1") \
	/* a name that no collection can have: removed, its documents are on their way out */ \
	ROW(COLLECTION_HIDE, "UPDATE collection SET name = ' ' || id WHERE id = ?1") \
	ROW(COLLECTION_HIDDEN, \
		"SELECT id FROM collection WHERE name >= ' ' AND name < '!' LIMIT 1") \
	ROW(COLLECTION_DROP, "DELETE FROM collection WHERE id = ?1") \
	/* its vectors are to be made again */ \
	ROW(RENEWAL_ADD, "INSERT OR IGNORE INTO meta(key, value) VALUES('renewal ' || ?1, 1)") \
	ROW(RENEWAL_DROP, "DELETE FROM meta WHERE key = 'renewal ' || ?1") \
	/* documents */ \
	ROW(DOCUMENT_LOAD, \
		"SELECT id, collection, n_bytes, first_passage, n_passages, lengths " \
		"FROM document") \
	ROW(DOCUMENT_FIND, \
		"SELECT id, title, given_title, media_type, digest, tags, n_bytes, updated, " \
		"first_passage, n_passages, lengths FROM document " \
		"WHERE collection = ?1 AND name = ?2") \
	ROW(DOCUMENT_INFO, \
		"SELECT name, title, media_type, digest, n_bytes, n_passages, updated, id " \
		"FROM document WHERE collection = ?1 AND name = ?2") \
	ROW(DOCUMENT_GET, "SELECT name, title, collection FROM document WHERE id = ?1") \
	ROW(DOCUMENT_ADD, \
		"INSERT INTO document(id, collection, name, title, given_title, " \
		"media_type, digest, tags, n_bytes, updated, first_passage, n_passages, lengths) " \
		"VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)") \
	ROW(DOCUMENT_LENGTHS, "UPDATE document SET lengths = ?2 WHERE id = ?1") \
	ROW(DOCUMENT_DROP, "DELETE FROM document WHERE id = ?1") \
	ROW(DOCUMENT_PAGE, \
		"SELECT name, title, media_type, digest, n_bytes, n_passages, updated " \
		"FROM document WHERE collection = ?1 AND name > ?2 ORDER BY name LIMIT ?3") \
	ROW(DOCUMENT_ANY, "SELECT name FROM document WHERE collection = ?1 LIMIT 1") \
	/* in pieces, so that a passage far inside is read without what is before it */ \
	ROW(CONTENT_ADD, "INSERT INTO content(id, body) VALUES(?1, ?2)") \
	ROW(CONTENT_READ, "SELECT id, body FROM content WHERE id BETWEEN ?1 AND ?2 ORDER BY id") \
	ROW(CONTENT_DROP, "DELETE FROM content WHERE id BETWEEN ?1 AND ?2") \
	/* passages */ \
	ROW(PASSAGE_ADD, \
		"INSERT INTO passage(id, start_at, end_at, heading, body, runs) " \
		"VALUES(?1, ?2, ?3, ?4, ?5, ?6)") \
	ROW(PASSAGE_READ, \
		"SELECT id, start_at, end_at, heading, body, runs FROM passage " \
		"WHERE id BETWEEN ?1 AND ?2 ORDER BY id") \
	ROW(PASSAGE_DROP, "DELETE FROM passage WHERE id BETWEEN ?1 AND ?2") \
	/* tags */ \
	ROW(TAG_ADD, "INSERT OR IGNORE INTO tag(collection, tag, document) VALUES(?1, ?2, ?3)") \
	ROW(TAG_DROP, "DELETE FROM tag WHERE collection = ?1 AND tag = ?2 AND document = ?3") \
	ROW(TAG_FIND, \
		"SELECT document FROM tag WHERE collection = ?1 AND tag = ?2 ORDER BY document") \
	/* vectors of runs of passages, id = the first << 1 | side of the generation */ \
	ROW(VECTOR_ADD, "INSERT INTO vector(id, data) VALUES(?1, ?2)") \
	ROW(VECTOR_RUNS, \
		"SELECT id, data FROM vector WHERE id BETWEEN ?1 AND ?2 AND id & 1 = ?3 " \
		"ORDER BY id") \
	ROW(VECTOR_DROP, "DELETE FROM vector WHERE id BETWEEN ?1 AND ?2") \
	ROW(VECTOR_DROP_SIDE, "DELETE FROM vector WHERE id BETWEEN ?1 AND ?2 AND id & 1 = ?3") \
	ROW(EMBEDDER_GET, \
		"SELECT digest, dim, n_fitted, encoder, model FROM embedder " \
		"WHERE collection = ?1 AND generation = ?2") \
	ROW(EMBEDDER_ADD, \
		"INSERT INTO embedder(collection, generation, digest, dim, n_fitted, encoder, " \
		"model) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	/* all but the one of this generation; there is none of 0 */ \
	/* of an encoder's, n_fitted counts passages in a language that it hardly knows */ \
	ROW(EMBEDDER_FOREIGN, \
		"UPDATE embedder SET n_fitted = n_fitted + ?3 " \
		"WHERE collection = ?1 AND generation = ?2") \
	ROW(EMBEDDER_DROP, "DELETE FROM embedder WHERE collection = ?1 AND generation <> ?2") \
	ROW(DOCUMENT_NEXT, \
		"SELECT id, collection, first_passage, n_passages, title FROM document " \
		"WHERE id > ?1 ORDER BY id LIMIT 1") \
	/* the same of one collection */ \
	ROW(DOCUMENT_OF_NEXT, \
		"SELECT id, first_passage, n_passages, title FROM document " \
		"INDEXED BY document_of WHERE collection = ?1 AND id > ?2 ORDER BY id LIMIT 1") \
	ROW(DOCUMENT_OF, \
		"SELECT id, first_passage, n_passages FROM document INDEXED BY document_of " \
		"WHERE collection = ?1 ORDER BY id") \
	ROW(DOCUMENT_AT, "SELECT first_passage, n_passages, title FROM document WHERE id = ?1") \
	/* full text */ \
	ROW(FTS_ADD, "INSERT INTO fts(rowid, title, heading, body) VALUES(?1, ?2, ?3, ?4)") \
	ROW(FTS_DROP, \
		"INSERT INTO fts(fts, rowid, title, heading, body) " \
		"VALUES('delete', ?1, ?2, ?3, ?4)") \
	ROW(FTS_POSTINGS, "SELECT 1 FROM fts WHERE fts MATCH ?1 AND ragd_postings(fts, ?2)")
/* clang-format on */

enum sql {
#define SQL_ROW(name, text) SQL_##name,
	SQL_ROWS(SQL_ROW)
#undef SQL_ROW
		SQL_N
};

#endif
