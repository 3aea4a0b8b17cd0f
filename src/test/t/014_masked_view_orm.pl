# An object-relational mapper works on a masked view as on the table: it reads objects of which some fields are masked, and
# writes whole rows back.  SQLAlchemy, over psycopg2; each transaction attaches the session, as with a pool.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($python) = grep { system("$_ -c 'import sqlalchemy, psycopg2' >/dev/null 2>&1") == 0 } 'python3', '/usr/bin/python3';
plan skip_all => 'SQLAlchemy and psycopg2 (python3-sqlalchemy, python3-psycopg2) are not installed' unless $python;

my $node = PostgreSQL::Test::Cluster->new('orm');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION spsa;
	SET client_min_messages = warning;
	CREATE ROLE regress_spsa_app LOGIN;
	CREATE TABLE emp (id serial PRIMARY KEY, name text NOT NULL, region text NOT NULL DEFAULT 'EU', salary numeric(10,2) DEFAULT 1000,
		notes jsonb, changed timestamptz, version integer NOT NULL DEFAULT 1);
	CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed = now(); RETURN NEW; END $$;
	CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON emp FOR EACH ROW EXECUTE FUNCTION stamp();
	INSERT INTO emp (name, region, salary, notes) VALUES ('Ann', 'EU', 100, '{"a": 1}'), ('Bob', 'EU', 200, NULL), ('Cid', 'US', 300, NULL), ('Dan', 'XX', 400, NULL);
	GRANT SELECT, INSERT, UPDATE, DELETE ON emp TO regress_spsa_app;
	GRANT USAGE ON SEQUENCE emp_id_seq TO regress_spsa_app;
	SELECT spsa_protect('emp', '{region}');
	SELECT spsa_protect_field('emp', 'salary'), spsa_protect_field('emp', 'region');
	SELECT spsa_create_masked_view('emp', 'emp_view');
	GRANT SELECT, INSERT, UPDATE, DELETE ON emp_view TO regress_spsa_app;
	-- region is read and not edited
	SELECT spsa_create_permission_set('clerk'), spsa_grant_object('clerk', 'emp', '{read,create,edit,delete}', true),
		spsa_grant_rows('clerk', 'emp', 'region', '{EU,US}', privileges => '{read}'),
		spsa_grant_rows('clerk', 'emp', 'region', '{EU}', privileges => '{create,edit,delete}'), spsa_grant_field('clerk', 'emp', 'region', '{read}');
	SELECT spsa_create_permission_set('payroll', activation_required => true);
	SELECT spsa_grant_object('payroll', 'emp', '{read}'), spsa_grant_field('payroll', 'emp', 'salary', '{read,edit}');
	SELECT spsa_create_user('ann'), spsa_assign('ann', 'clerk'), spsa_assign('ann', 'payroll'); });
my $token = $node->safe_psql('postgres', "SELECT token FROM spsa_open_session('ann', db_role => 'regress_spsa_app')");

my $script = PostgreSQL::Test::Utils::tempdir() . '/orm.py';
append_to_file($script, <<'PYTHON');
import os
from sqlalchemy import Column, DateTime, Integer, Numeric, Text, create_engine, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, declarative_base, make_transient
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

class Emp(declarative_base()):
    __tablename__ = 'emp_view'
    id = Column(Integer, primary_key=True)
    name = Column(Text)
    region = Column(Text)
    salary = Column(Numeric)
    notes = Column(JSONB(none_as_null=True))
    changed = Column(DateTime(timezone=True))
    version = Column(Integer, nullable=False)
    __mapper_args__ = {'version_id_col': version, 'eager_defaults': True}

engine = create_engine('postgresql+psycopg2://', connect_args=dict(user='regress_spsa_app', dbname='postgres'))

@event.listens_for(engine, 'begin')
def attach(connection):
    connection.exec_driver_sql('SELECT spsa_attach(%s)', (os.environ['TOKEN'],))

def columns():
    return [c.name for c in Emp.__table__.columns]

def touch(emp):
    """The whole row is written, as by mappers that do not know what has changed."""
    for name in columns():
        if name not in ('id', 'version', 'changed'):
            flag_modified(emp, name)

def show(label, emp):
    print(label, emp.id, emp.name, emp.region, emp.salary, emp.notes, emp.changed is not None, emp.version)

def attempt(label, action):
    """In a transaction of its own."""
    with Session(engine) as session:
        try:
            action(session)
            session.commit()
            print(label, 'done')
        except StaleDataError:
            print(label, 'stale')
        except DBAPIError as error:
            print(label, error.orig.pgcode, str(error.orig).splitlines()[0])

with Session(engine) as session:
    for emp in session.query(Emp).order_by(Emp.id):
        show('read', emp)

def rename(session):
    session.get(Emp, 1).name = 'Anna'
attempt('changed field', rename)

def whole(session):
    emp = session.get(Emp, 1)
    emp.notes = {'a': 2}
    touch(emp)
attempt('whole row', whole)

def unchanged(session):
    touch(session.get(Emp, 1))
attempt('unchanged row', unchanged)

def detached(session):
    with Session(engine) as reader:
        emp = reader.get(Emp, 2)
        values = {name: getattr(emp, name) for name in columns()}
    session.merge(Emp(**dict(values, name='Bobby')))
attempt('merged object', detached)

def bulk(session):
    rows = [{name: getattr(e, name) for name in columns()} for e in session.query(Emp).filter(Emp.region == 'EU')]
    session.bulk_update_mappings(Emp, [dict(row, notes={'bulk': row['id']}) for row in rows])
attempt('bulk update', bulk)

def insert(session):
    emp = Emp(name='Eve', region=None, salary=None, notes=None)
    session.add(emp)
    session.flush()
    session.refresh(emp)
    show('new', emp)
attempt('insert', insert)

def pay(session):
    emp = session.get(Emp, 1)
    emp.salary = 5
    touch(emp)
attempt('masked field', pay)

def new_with_pay(session):
    session.add(Emp(name='Gus', salary=5))
attempt('new with masked field', new_with_pay)

def move(session):
    session.get(Emp, 1).region = 'US'
attempt('field that is not editable', move)

def other_region(session):
    session.get(Emp, 3).name = 'Zed'
attempt('row that is not editable', other_region)

def hidden(session):
    print('hidden row', session.get(Emp, 4))
attempt('hidden row', hidden)

def stale(session):
    emp = session.get(Emp, 2)
    with Session(engine) as other:
        other.get(Emp, 2).name = 'Rob'
        other.commit()
    emp.name = 'Bert'
attempt('row that another has changed', stale)

def delete(session):
    session.delete(session.query(Emp).filter_by(name='Eve').one())
attempt('delete', delete)

def raise_pay(session):
    session.execute(text("SELECT FROM spsa_activate_own('payroll')"))
    session.commit()
    emp = session.get(Emp, 1)
    show('payroll', emp)
    emp.salary = None
    touch(emp)
    session.commit()
    session.refresh(emp)
    show('payroll', emp)
    emp.salary = 120
attempt('readable field', raise_pay)

with Session(engine) as session:
    for emp in session.query(Emp).order_by(Emp.id):
        show('read', emp)
PYTHON

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{TOKEN} = $token;
my ($out, $err);
ok(IPC::Run::run([ $python, '-W', 'ignore', $script ], '>', \$out, '2>', \$err), 'the script ends well') or diag($err);

# In the order of the script.
my @expected = (
	'read 1 Ann EU None {\'a\': 1} True 1',
	'read 2 Bob EU None None True 1',
	'read 3 Cid US None None True 1',
	'changed field done',
	'whole row done',
	'unchanged row done',
	'merged object done',
	'bulk update done',
	'new 5 Eve EU None None True 1',
	'insert done',
	'masked field 42501 permission denied to write masked field "salary" of "emp_view"',
	'new with masked field 42501 permission denied to write masked field "salary" of "emp_view"',
	'field that is not editable 42501 permission denied to edit field "region" of "emp"',
	'row that is not editable stale',
	'hidden row None',
	'hidden row done',
	'row that another has changed stale',
	'delete done',
	'payroll 1 Anna EU 100.00 {\'bulk\': 1} True 5',
	'payroll 1 Anna EU None {\'bulk\': 1} True 6',
	'readable field done',
	'read 1 Anna EU 120.00 {\'bulk\': 1} True 7',
	'read 2 Rob EU 200.00 {\'bulk\': 2} True 4',
	'read 3 Cid US 300.00 None True 1',
	'read 4 Dan XX 400.00 None True 1');
my @lines = split /\n/, $out;
is($lines[$_] // 'nothing', $expected[$_], $expected[$_]) for 0 .. $#expected;
is(scalar(@lines), scalar(@expected), 'no more lines');
is($node->safe_psql('postgres', 'SELECT id, name, region, salary FROM emp ORDER BY id'),
	"1|Anna|EU|120.00\n2|Rob|EU|200.00\n3|Cid|US|300.00\n4|Dan|XX|400.00", 'masked fields were left alone');

done_testing();
