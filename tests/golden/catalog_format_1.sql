BEGIN TRANSACTION;
CREATE TABLE catalog_clock (
	id BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	format BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "catalog_clock" VALUES(1,7,1);
CREATE TABLE interactions (
	event_id VARCHAR(128) NOT NULL, 
	user_id VARCHAR(128) NOT NULL, 
	product_id VARCHAR(128) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at_us BIGINT NOT NULL, 
	value FLOAT, 
	verified BOOLEAN NOT NULL, 
	helpful_votes BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id)
);
INSERT INTO "interactions" VALUES('e-0002','u-1','p-0001','view',1769860802000000,NULL,0,0,'');
INSERT INTO "interactions" VALUES('e-0001','u-1','p-0001','view',1769860801000000,NULL,0,0,'');
CREATE TABLE products (
	id VARCHAR(128) NOT NULL, 
	style_id VARCHAR(128) NOT NULL, 
	title TEXT NOT NULL, 
	description TEXT NOT NULL, 
	brand TEXT NOT NULL, 
	category TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	gender TEXT NOT NULL, 
	colour TEXT NOT NULL, 
	season TEXT NOT NULL, 
	attributes TEXT NOT NULL, 
	sizes TEXT NOT NULL, 
	price_minor BIGINT, 
	currency TEXT NOT NULL, 
	images TEXT NOT NULL, 
	product_url TEXT NOT NULL, 
	image_state TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	digest VARCHAR(32) NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "products" VALUES('p-0001','s-1','Changed','','','[]','','','','','{}','[]',NULL,'','[]','','none',5,'3944e6930882798a066eb01997ed2364',0);
INSERT INTO "products" VALUES('p-0002','s-2','Thing','','','[]','','','','','{}','[]',NULL,'','[]','','none',6,'415b91ab1e871ca6afb36d88919d3a08',1);
INSERT INTO "products" VALUES('007','s-7','Rotes Kleid 빨간 원피스 👗','Light, for summer.','Acme','["Women","Dresses"]','dress','women','red','summer','{"neckline":"v-neck","pattern":"plain"}','[["S",0],["M",3]]',4999,'EUR','["abababababababababababababababababababababababababababababababab","cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]','https://shop.example/7','embedded',7,'a695b75279d2f64b9bcdc53a2f831d7f',0);
INSERT INTO "products" VALUES('p-0003','s-3','Thing','','','[]','','','','','{}','[]',NULL,'','[]','','none',4,'a768be5d908a5356eb845e5847265e10',0);
CREATE UNIQUE INDEX products_seq ON products (seq);
CREATE INDEX products_style ON products (style_id);
CREATE INDEX interactions_user ON interactions (user_id, at_us, event_id);
CREATE INDEX interactions_at ON interactions (at_us, event_id);
COMMIT;
