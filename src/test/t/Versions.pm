# Versions.pm - other versions of the extension than the one that is installed, for one server of a test.
#
#     my $versions = Versions->new($node);      # undef: this PostgreSQL cannot have extensions elsewhere
#     $versions->current                        # as spsa.control says
#     $versions->install_script                 # its text
#     $versions->add_script('0.0.1', $sql)      # spsa--0.0.1.sql;  add_script('0.0.1--0.1.0', $sql): an update
#     $versions->set_default('0.0.1')           # of CREATE EXTENSION and ALTER EXTENSION spsa UPDATE
#     $versions->preload('0.1.0')               # sessions load a library of that version, of the same length, before all else
#     $versions->set_library('0.1.1')           # another one, for backends that start from then on
#     catalog_of($node, 'postgres')             # all that the extension has in a database, as sorted lines
#
# Nothing of what is installed changes: the files are copies below the node's own directory, where its server looks first.

package Versions;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;

our @EXPORT = qw(catalog_of);

# The node must run. PostgreSQL of Debian has extension_destdir; others cannot be told where to look for extensions.
sub new
{
	my ($class, $node) = @_;
	return if $node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name = 'extension_destdir'") eq '0';
	my $top = $node->basedir . '/versions';
	my $self = bless { node => $node, scripts => $top . $node->config_data('--sharedir') . '/extension', libraries => $top . $node->config_data('--pkglibdir') }, $class;
	make_path($self->{scripts}, $self->{libraries});
	$self->{library} = slurp_file($node->config_data('--pkglibdir') . '/spsa.so');
	$self->{control} = slurp_file($node->config_data('--sharedir') . '/extension/spsa.control');
	($self->{current}) = $self->{control} =~ /^default_version\s*=\s*'(.*)'/m or croak 'spsa.control has no version';
	my $extensions = $node->config_data('--sharedir') . '/extension';
	copy($_, $self->{scripts}) or croak "cannot copy $_: $!" for glob "$extensions/spsa--*.sql";
	$self->set_default($self->{current});
	$node->append_conf('postgresql.conf', "extension_destdir = '$top'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('extension_destdir') = '$top'") or croak 'timed out';
	return $self;
}

sub current { my ($self) = @_; return $self->{current}; }
sub install_script { my ($self) = @_; return slurp_file("$self->{scripts}/spsa--$self->{current}.sql"); }

# By a new file, as packages do it: the old one may be in use.
sub write_file
{
	my ($path, $content) = @_;
	open my $file, '>:raw', "$path.new" or croak "cannot write $path.new: $!";
	print $file $content;
	close $file or croak "cannot write $path.new: $!";
	rename "$path.new", $path or croak "cannot write $path: $!";
}

sub add_script
{
	my ($self, $versions, $sql) = @_;
	return write_file("$self->{scripts}/spsa--$versions.sql", $sql);
}

sub set_default
{
	my ($self, $version) = @_;
	return write_file("$self->{scripts}/spsa.control", $self->{control} =~ s/^(default_version\s*=\s*').*'/$1$version'/mr);
}

# The name alone would be looked for where PostgreSQL is installed.
sub preload
{
	my ($self, $version) = @_;
	$self->set_library($version);
	$self->{node}->append_conf('postgresql.conf', "dynamic_library_path = '$self->{libraries}:\$libdir'\nsession_preload_libraries = spsa");
	$self->{node}->restart;
	return;
}

# The version stands once in the library.
sub set_library
{
	my ($self, $version) = @_;
	my $library = $self->{library};
	croak 'a version of another length' if length $version != length $self->{current};
	my $n = $library =~ s/\0\K\Q$self->{current}\E\0/$version\0/g;
	croak "the version stands $n times in the library" if $n != 1;
	write_file("$self->{libraries}/spsa.so", $library);
	chmod 0755, "$self->{libraries}/spsa.so";
	return;
}

# All objects of a database are the extension's, but for those of initdb: it must have no others. Columns are given with their
# numbers, for the library reads them by position.
my $catalog = q{
SET search_path = pg_catalog;
SET client_min_messages = error;
CREATE FUNCTION pg_temp.acl(acl aclitem[]) RETURNS text LANGUAGE sql AS $$ SELECT 'acl ' || coalesce(string_agg(a::text, ' ' ORDER BY a::text), 'default') FROM unnest(acl) a $$;
CREATE FUNCTION pg_temp.owned(owner oid, acl aclitem[]) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', 'owner', owner::regrole, pg_temp.acl(acl)) $$;
CREATE FUNCTION pg_temp.ours(schema oid) RETURNS boolean LANGUAGE sql AS $$ SELECT schema::regnamespace::text !~ '^pg_|^information_schema' $$;
SELECT concat_ws(' ', 'extension', extname, 'schema', extnamespace::regnamespace, 'version', extversion, 'owner', extowner::regrole, 'relocatable', extrelocatable)
	FROM pg_extension WHERE extname = 'spsa';
SELECT concat_ws(' ', 'dumped', c::regclass, 'where', extcondition[i]) FROM pg_extension, unnest(extconfig) WITH ORDINALITY x (c, i) WHERE extname = 'spsa';
SELECT concat_ws(' ', 'member', pg_describe_object(classid, objid, objsubid)) FROM pg_depend
	WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'spsa');
SELECT concat_ws(' ', 'depends', deptype, pg_describe_object(classid, objid, objsubid), 'on', pg_describe_object(refclassid, refobjid, refobjsubid)) FROM pg_depend
	WHERE deptype IN ('a', 'n', 'x') AND objid >= 16384 AND pg_describe_object(classid, objid, objsubid) !~ 'pg_toast|^rule _RETURN|pg_temp';
SELECT concat_ws(' ', 'schema', nspname, pg_temp.owned(nspowner, nspacl)) FROM pg_namespace WHERE oid >= 16384 AND pg_temp.ours(oid);
SELECT concat_ws(' ', 'relation', c.oid::regclass, 'kind', relkind, pg_temp.owned(relowner, relacl), 'options', reloptions, 'rls', relrowsecurity, relforcerowsecurity,
	'persistence', relpersistence, 'identity', relreplident, pg_get_partkeydef(c.oid), pg_get_expr(relpartbound, c.oid)) FROM pg_class c WHERE c.oid >= 16384 AND pg_temp.ours(relnamespace);
SELECT concat_ws(' ', 'column', concat(attrelid::regclass, '.', attnum), attname, format_type(atttypid, atttypmod), 'notnull', attnotnull, 'default', pg_get_expr(adbin, adrelid),
	'collation', attcollation, 'storage', attstorage, attcompression, 'statistics', attstattarget, attidentity, attgenerated, pg_temp.acl(attacl),
		array_remove(attoptions, (SELECT o FROM unnest(attoptions) o WHERE o ~ '^pg_attver=')))
	FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
	WHERE c.oid >= 16384 AND relkind IN ('r', 'p', 'v', 'c') AND pg_temp.ours(relnamespace) AND attnum > 0 AND NOT attisdropped;
SELECT concat_ws(' ', 'sequence', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle) FROM pg_sequence;
SELECT concat_ws(' ', 'constraint', concat(conrelid::regclass, '.', conname), pg_get_constraintdef(oid), 'validated', convalidated, condeferrable, condeferred) FROM pg_constraint WHERE oid >= 16384;
SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisprimary, indisclustered, indisreplident) FROM pg_index
	WHERE indexrelid >= 16384 AND indexrelid::regclass::text !~ '^pg_toast';
SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(oid), 'enabled', tgenabled) FROM pg_trigger WHERE NOT tgisinternal;
SELECT concat_ws(' ', 'rule', ev_class::regclass, pg_get_ruledef(oid), ev_enabled) FROM pg_rewrite WHERE oid >= 16384;
SELECT concat_ws(' ', 'policy', polrelid::regclass, polname) FROM pg_policy;
SELECT concat_ws(' ', 'function', pg_get_functiondef(oid), pg_temp.owned(proowner, proacl)) FROM pg_proc WHERE oid >= 16384 AND pg_temp.ours(pronamespace);
SELECT concat_ws(' ', 'type', oid::regtype, typtype, pg_temp.owned(typowner, typacl), (SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
	FROM pg_type t WHERE oid >= 16384 AND pg_temp.ours(typnamespace);
SELECT concat_ws(' ', 'event trigger', evtname, evtevent, evtfoid::regprocedure, 'enabled', evtenabled, 'tags', evttags, 'owner', evtowner::regrole) FROM pg_event_trigger;
SELECT concat_ws(' ', 'comment', pg_describe_object(classoid, objoid, objsubid) || ':', description) FROM pg_description WHERE objoid >= 16384;
SELECT concat_ws(' ', 'initial privileges', privtype, pg_describe_object(classoid, objoid, objsubid), pg_temp.acl(initprivs)) FROM pg_init_privs WHERE objoid >= 16384;
SELECT format('SELECT concat_ws('' '', ''row of'', %L, to_jsonb(t) - %L::text[], chr(30)) FROM %s t', c.oid::regclass, coalesce(array_agg(attname) FILTER (WHERE atttypid = 'timestamptz'::regtype), '{}'), c.oid::regclass)
	FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 WHERE relkind = 'r' AND c.oid >= 16384 AND pg_temp.ours(relnamespace) AND relname !~ '^audit_event' GROUP BY c.oid \gexec
};

sub catalog_of
{
	my ($node, $database) = @_;
	# psql ends the last row of a query by a newline, of which function bodies have many.
	my $out = $node->safe_psql($database, "\\pset recordsep '\\036'\n" . $catalog =~ s/;$/;\n\\echo '\\036'/mgr);
	return sort grep { length } map { s/^\s+|\s+$//gr } split /\036/, $out;
}

1;
