# DBI with DBD::Pg: the application writes its own SQL.
use strict;
use warnings;
use DBI;
use FindBin;
use lib $FindBin::Bin;
use program;

my $db = DBI->connect( 'dbi:Pg:', $ENV{PGUSER}, $ENV{PGPASSWORD}, { RaiseError => 1, PrintError => 0 } );

package Client;
use JSON::PP qw(decode_json);

sub read {
    my ( $self, $id ) = @_;
    return $db->selectrow_hashref( 'SELECT * FROM customers WHERE id = ?', undef, $id );
}

sub values { return $_[1] }

sub text { return $_[1] }

sub save {
    my ( $self, $row, $changes ) = @_;
    my %new = ( %$row, %$changes );
    my $saved = $db->selectrow_hashref(
        'UPDATE customers SET status = ?, phone = ?, lock_version = lock_version + 1
         WHERE id = ? AND lock_version = ? RETURNING *', undef, @new{qw(status phone id lock_version)}
    ) or die "Stale\n";
    return $saved;
}

sub insert_many {
    my ( $self, $rows ) = @_;
    my $insert = $db->prepare('INSERT INTO customers (name, status) VALUES (?, ?)');
    $insert->execute_array( {}, [ map { $_->{name} } @$rows ], [ map { $_->{status} } @$rows ] );
    return;
}

sub update_many {
    my ( $self, $ids, $status ) = @_;
    return $db->do( 'UPDATE customers SET status = ? WHERE id = ANY (?)', undef, $status, $ids );
}

sub upsert {
    my ( $self, $row ) = @_;
    return $db->do(
        'INSERT INTO customers (name, status) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status',
        undef, @$row{qw(name status)} );
}

# region save
# @$values: id, updated_at as it was read, status, comment, author
sub call {
    my ( $self, $values ) = @_;
    my $saved = $db->selectrow_hashref( 'SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', undef, @$values );
    $saved->{detail} = decode_json( $saved->{detail} ) if $saved->{detail};
    return $saved;
}
# endregion

# region transaction
# with RaiseError
sub transaction {
    my ( $self, $callback ) = @_;
    $db->begin_work;
    my $result = eval { $callback->() };
    if ( my $error = $@ ) {
        $db->rollback;
        die $error;
    }
    $db->commit;    # whatever the outcome is: it keeps the comment of a refused save
    return $result;
}
# endregion

package main;
program::run( bless {}, 'Client' );
