-- data.sql - the data of the demo: a CRM of a company that sells software in eight regions.
--
-- The same on every run but for the dates, which end today. Needs an empty database and a superuser.

\o /dev/null
SELECT setseed(0.15);
\o

CREATE TABLE region (
	region text CONSTRAINT region_pkey PRIMARY KEY,
	place integer NOT NULL,
	currency text NOT NULL,
	rate numeric NOT NULL
);
COMMENT ON COLUMN region.rate IS 'units of the currency that buy what one euro buys';
INSERT INTO region VALUES
	('dach', 0, 'EUR', 1), ('france', 1, 'EUR', 1), ('iberia', 2, 'EUR', 1), ('japan', 3, 'JPY', 160),
	('nordics', 4, 'SEK', 11.5), ('uki', 5, 'GBP', 0.85), ('us_east', 6, 'USD', 1.1), ('us_west', 7, 'USD', 1.1);

-- Words that names are made of.
CREATE TEMPORARY TABLE word (region text, given text[], family text[], city text[], trade text[], legal_form text[]);
INSERT INTO word VALUES
	('dach', '{Anna,Lukas,Lena,Felix,Mia,Paul,Clara,Moritz,Johanna,Stefan,Katrin,Tobias,Sabine,Matthias,Nina,Florian}',
		'{Müller,Schmidt,Schneider,Fischer,Weber,Wagner,Becker,Hoffmann,Schäfer,Koch,Bauer,Richter,Klein,Wolf,Huber,Steiner}',
		'{Hamburg,Köln,München,Wien,Zürich,Leipzig,Stuttgart,Graz}',
		'{Logistik,Maschinenbau,Medizintechnik,Versicherung,Energie,Baustoffe,Pharma,Handel}', '{GmbH,AG,KG}'),
	('france', '{Camille,Louis,Chloé,Hugo,Inès,Jules,Manon,Antoine,Élodie,Mathieu,Sophie,Nicolas,Juliette,Thomas,Claire,Rémi}',
		'{Martin,Bernard,Dubois,Laurent,Lefebvre,Moreau,Girard,Roux,Fournier,Mercier,Blanc,Guérin,Faure,Garnier,Chevalier,Perrin}',
		'{Paris,Lyon,Nantes,Lille,Bordeaux,Toulouse,Rennes,Strasbourg}',
		'{Transports,Assurances,Énergie,Pharma,Distribution,Textile,Aéronautique,Conseil}', '{SA,SAS,SARL}'),
	('iberia', '{María,Javier,Carmen,Pablo,Laura,Diego,Marta,Sergio,Elena,Álvaro,Inês,João,Beatriz,Tiago,Sofía,Rui}',
		'{García,Fernández,López,Martínez,Sánchez,Romero,Navarro,Torres,Silva,Santos,Pereira,Costa,Ortega,Molina,Vidal,Almeida}',
		'{Madrid,Barcelona,Lisboa,Porto,Valencia,Sevilla,Bilbao,Braga}',
		'{Logística,Seguros,Energía,Alimentación,Construcción,Turismo,Cerámica,Textil}', '{SA,SL,Lda}'),
	('japan', '{Haruto,Yui,Sota,Aoi,Ren,Hina,Yuto,Sakura,Takumi,Misaki,Daiki,Nanami,Kenta,Ayaka,Shota,Rina}',
		'{Suzuki,Takahashi,Tanaka,Watanabe,Ito,Yamamoto,Nakamura,Kobayashi,Kato,Yoshida,Yamada,Sasaki,Mori,Abe,Ikeda,Ishikawa}',
		'{Tokyo,Osaka,Nagoya,Fukuoka,Sapporo,Sendai,Kobe,Yokohama}',
		'{Denki,Kogyo,Shoji,Seiyaku,Unyu,Kensetsu,Shokuhin,Kagaku}', '{KK,GK,YK}'),
	('nordics', '{Astrid,Erik,Freja,Lars,Ingrid,Oskar,Maja,Nils,Sigrid,Anders,Karin,Mikkel,Elin,Henrik,Aino,Mikko}',
		'{Andersson,Johansson,Karlsson,Nilsson,Hansen,Olsen,Larsen,Berg,Lindqvist,Dahl,Holm,Korhonen,Virtanen,Nyström,Sørensen,Lund}',
		'{Stockholm,Göteborg,Oslo,Bergen,København,Aarhus,Helsinki,Malmö}',
		'{Shipping,Energi,Skog,Försäkring,Bygg,Handel,Teknik,Fisk}', '{AB,AS,Oy}'),
	('uki', '{Oliver,Amelia,Harry,Isla,George,Emily,Jack,Niamh,Ciarán,Sarah,James,Aoife,Thomas,Grace,Rhys,Eilidh}',
		'{Smith,Jones,Taylor,Brown,Wilson,Evans,Murphy,Walker,Campbell,Kelly,Hughes,Doyle,Clarke,Fraser,Byrne,Bennett}',
		'{London,Leeds,Dublin,Cork,Glasgow,Bristol,Belfast,Cardiff}',
		'{Logistics,Insurance,Energy,Foods,Retail,Engineering,Media,Healthcare}', '{Ltd,plc,LLP}'),
	('us_east', '{Emma,Noah,Olivia,Liam,Ava,Ethan,Madison,Jacob,Nicole,Anthony,Grace,Marcus,Hannah,Tyler,Jasmine,David}',
		'{Johnson,Williams,Davis,Miller,Rodriguez,Anderson,Jackson,Harris,Thompson,Robinson,Lewis,Young,Wright,Cohen,Patel,Rivera}',
		'{Boston,Atlanta,Miami,Philadelphia,Charlotte,Baltimore,Pittsburgh,Richmond}',
		'{Financial,Healthcare,Logistics,Energy,Foods,Media,Aerospace,Insurance}', '{Inc.,LLC,Corp.}'),
	('us_west', '{Sophia,Mason,Chloe,Logan,Mei,Carlos,Zoe,Brandon,Priya,Kevin,Lily,Jordan,Maya,Derek,Alexis,Ryan}',
		'{Nguyen,Lee,Garcia,Kim,Martinez,Chen,Lopez,Gonzalez,Hill,Baker,Singh,Wong,Ramirez,Reed,Cook,Ortiz}',
		'{Seattle,Portland,Denver,Oakland,Phoenix,Sacramento,Spokane,Tucson}',
		'{Software,Biotech,Solar,Outdoor,Foods,Logistics,Robotics,Studios}', '{Inc.,LLC,Corp.}');

CREATE FUNCTION pg_temp.pick(choices text[]) RETURNS text LANGUAGE sql VOLATILE
	RETURN choices[1 + floor(random() * cardinality(choices))];

CREATE TABLE team (
	team_id integer CONSTRAINT team_pkey PRIMARY KEY,
	region text NOT NULL CONSTRAINT team_region_fkey REFERENCES region (region),
	team_name text NOT NULL
);
INSERT INTO team
SELECT r.place * 6 + n.position, r.region, initcap(replace(r.region, '_', ' ')) || ' ' || n.name
FROM region r, unnest('{Enterprise,Mid-Market,Small Business,Public Sector,Renewals,Partners}'::text[])
	WITH ORDINALITY n (name, position);

-- 25 in each team, numbered by region; the first one leads the team.
CREATE TABLE employee (
	emp_no integer CONSTRAINT employee_pkey PRIMARY KEY,
	full_name text NOT NULL,
	title text NOT NULL,
	team_id integer NOT NULL CONSTRAINT employee_team_id_fkey REFERENCES team (team_id),
	region text NOT NULL CONSTRAINT employee_region_fkey REFERENCES region (region),
	hired_on date NOT NULL
);
INSERT INTO employee
SELECT 1000 + (t.team_id - 1) * 25 + n, pg_temp.pick(w.given) || ' ' || pg_temp.pick(w.family),
	CASE WHEN n = 1 THEN 'Sales Manager' WHEN n <= 6 THEN 'Senior Account Executive'
		WHEN n <= 20 THEN 'Account Executive' ELSE 'Sales Engineer' END,
	t.team_id, t.region, current_date - 100 - floor(random() * random() * 4000)::integer
FROM team t JOIN word w USING (region), generate_series(1, 25) n
ORDER BY t.team_id, n;

-- The people of the story.
UPDATE employee SET full_name = 'Jonas Keller', hired_on = current_date - 2900 WHERE emp_no = 1001;
UPDATE employee SET full_name = 'Lucía Moreno', hired_on = current_date - 1500 WHERE emp_no = 1310;
UPDATE employee SET full_name = 'Kenji Sato', hired_on = current_date - 800 WHERE emp_no = 1467;

CREATE TABLE account (
	account_id integer CONSTRAINT account_pkey PRIMARY KEY,
	account_name text NOT NULL,
	region text NOT NULL CONSTRAINT account_region_fkey REFERENCES region (region),
	city text NOT NULL,
	customer_since date
);
INSERT INTO account
SELECT r.place * 2500 + a.position, a.family || ' ' || a.trade || ' ' || a.city || ' ' || a.legal_form, r.region, a.city,
	CASE WHEN random() < 0.6 THEN current_date - floor(random() * 5000)::integer END
FROM region r CROSS JOIN LATERAL (
	SELECT f.family, t.trade, c.city, l.legal_form, row_number() OVER (
		ORDER BY hashtext(f.family || t.trade || c.city || l.legal_form), f.family, t.trade, c.city, l.legal_form) AS position
	FROM word w, unnest(w.family) f (family), unnest(w.trade) t (trade), unnest(w.city) c (city), unnest(w.legal_form) l (legal_form)
	WHERE w.region = r.region) a
WHERE a.position <= 2500
ORDER BY 1;

-- A deal belongs to the region of its account; one in thirty is kept by somebody who works elsewhere now.
CREATE TABLE opportunity (
	opportunity_id integer CONSTRAINT opportunity_pkey PRIMARY KEY,
	account_id integer NOT NULL CONSTRAINT opportunity_account_id_fkey REFERENCES account (account_id),
	region text NOT NULL CONSTRAINT opportunity_region_fkey REFERENCES region (region),
	owner_emp_no integer NOT NULL CONSTRAINT opportunity_owner_emp_no_fkey REFERENCES employee (emp_no),
	product text NOT NULL,
	stage text NOT NULL,
	amount numeric(14, 0) NOT NULL,
	currency text NOT NULL,
	created_on date NOT NULL,
	close_date date NOT NULL
);
INSERT INTO opportunity
SELECT d.id, d.account_id, r.region,
	1001 + 150 * CASE WHEN d.kept < 1.0 / 30 THEN floor(random() * 8)::integer ELSE r.place END + floor(random() * 150)::integer,
	pg_temp.pick('{Platform,Analytics,Support Gold,Field Service,Integration,Marketing Hub}')
		|| ' ' || pg_temp.pick('{new,renewal,expansion}'),
	CASE WHEN d.close_date < current_date THEN CASE WHEN random() < 0.55 THEN 'closed won' ELSE 'closed lost' END
		ELSE pg_temp.pick('{prospecting,qualification,proposal,negotiation}') END,
	round((10 ^ (3 + 2.2 * random()))::numeric * r.rate, -2), r.currency, d.created_on, d.close_date
FROM (
	SELECT o.id, 1 + floor(random() * 20000)::integer AS account_id, random() AS kept, o.created_on,
		o.created_on + 20 + floor(random() * 180)::integer AS close_date
	FROM (SELECT id, current_date - floor(random() * 1100)::integer AS created_on FROM generate_series(1, 160000) id OFFSET 0) o
	OFFSET 0) d
	JOIN account a USING (account_id) JOIN region r USING (region)
ORDER BY d.id;
CREATE INDEX opportunity_region_idx ON opportunity (region);
CREATE INDEX opportunity_owner_emp_no_idx ON opportunity (owner_emp_no);

-- Three years of monthly payslips.
CREATE TABLE payroll (
	emp_no integer NOT NULL CONSTRAINT payroll_emp_no_fkey REFERENCES employee (emp_no),
	team_id integer NOT NULL CONSTRAINT payroll_team_id_fkey REFERENCES team (team_id),
	month date NOT NULL,
	gross numeric(12, 0) NOT NULL,
	currency text NOT NULL,
	CONSTRAINT payroll_pkey PRIMARY KEY (emp_no, month)
);
INSERT INTO payroll
SELECT e.emp_no, e.team_id, m.month::date,
	round(r.rate * CASE e.title WHEN 'Sales Manager' THEN 9200 WHEN 'Senior Account Executive' THEN 6800
		WHEN 'Sales Engineer' THEN 5600 ELSE 4700 END
		* (0.9 + (e.emp_no * 37 % 100) / 400.0) * (1 + (m.month::date - e.hired_on) / 15000.0), -1), r.currency
FROM employee e JOIN region r USING (region),
	generate_series(date_trunc('month', current_date) - interval '35 months', current_date, '1 month') m (month)
WHERE m.month >= e.hired_on
ORDER BY m.month, e.emp_no;
CREATE INDEX payroll_team_id_idx ON payroll (team_id);

VACUUM ANALYZE;

-- Ordinary roles: the application's, and those of two people. What PostgreSQL itself grants them is everything; which
-- rows they reach is left to spsa.
CREATE ROLE crm_user NOLOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO crm_user;
CREATE ROLE app LOGIN IN ROLE crm_user;
CREATE ROLE jonas LOGIN IN ROLE crm_user;
CREATE ROLE intern LOGIN IN ROLE crm_user;

-- What the story's checks call. They run with the rights, and under the session, of whoever calls them.
CREATE SCHEMA demo;
GRANT USAGE ON SCHEMA demo TO PUBLIC;
CREATE PROCEDURE demo.expect(query text, wanted bigint) LANGUAGE plpgsql AS $$
DECLARE
	seen bigint;
BEGIN
	EXECUTE query INTO seen;
	IF seen IS DISTINCT FROM wanted THEN
		RAISE 'demo: % gives %, should be %', query, seen, wanted;
	END IF;
END $$;
CREATE PROCEDURE demo.expect_state(seen text, wanted text) LANGUAGE plpgsql AS $$
BEGIN
	IF seen IS DISTINCT FROM wanted THEN
		RAISE 'demo: the last statement ended with SQLSTATE %, should be %', seen, wanted;
	END IF;
END $$;
