# DBIx::Class: it has no optimistic lock of its own, and reads nothing back from an UPDATE.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use program;

# region model
package Shop::Customer;
use parent 'DBIx::Class::Core';
__PACKAGE__->load_components('InflateColumn::DateTime');
__PACKAGE__->table('customers');
__PACKAGE__->add_columns(
    id         => { data_type => 'bigint', is_auto_increment => 1 },
    name       => { data_type => 'text' },
    status     => { data_type => 'text', is_nullable => 1 },
    phone      => { data_type => 'text', is_nullable => 1 },
    updated_at => { data_type => 'timestamptz', retrieve_on_insert => 1 },
);
__PACKAGE__->set_primary_key('id');
__PACKAGE__->add_unique_constraint( customers_name_key => ['name'] );
# endregion

package Shop;
use parent 'DBIx::Class::Schema';
__PACKAGE__->register_class( Customer => 'Shop::Customer' );

my $schema    = __PACKAGE__->connect( 'dbi:Pg:', $ENV{PGUSER}, $ENV{PGPASSWORD}, { quote_names => 1 } );
my $customers = $schema->resultset('Customer');

package Client;
use JSON::PP qw(decode_json);

sub read { return $customers->find( $_[1] ) }

sub values { return ref $_[1] eq 'HASH' ? $_[1] : { $_[1]->get_columns } }

sub text { return $_[1] }

sub save {
    my ( $self, $customer, $changes ) = @_;
    # region reload
    $customer->update($changes);
    $customer->discard_changes;    # reads it again, with the version that was made
    # endregion
    return $customer;
}

sub insert_many { return $customers->populate( $_[1] ) }

sub update_many {
    my ( $self, $ids, $status ) = @_;
    return $customers->search( { id => $ids } )->update( { status => $status } );
}

sub upsert { return $customers->update_or_create( $_[1], { key => 'customers_name_key' } ) }

# region save
# @$values: id, $customer->get_column('updated_at'), status, comment, author
sub call {
    my ( $self, $values ) = @_;
    return $schema->storage->dbh_do(
        sub {
            my ( $storage, $dbh ) = @_;
            my $saved = $dbh->selectrow_hashref( 'SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', undef, @$values );
            $saved->{detail} = decode_json( $saved->{detail} ) if $saved->{detail};
            return $saved;
        }
    );
}
# endregion

# region transaction
# commits at the end of the callback, also a refused save; rolls back when it dies
sub transaction {
    my ( $self, $callback ) = @_;
    return $schema->txn_do($callback);
}
# endregion

sub reset {
    $schema->deploy( { add_drop_table => 1 } );
    return {};
}

# What a DateTime is bound as, and what keeps all of it.
sub date_time {
    my ( $self, $told ) = @_;
    my $inflated = $customers->find( $told->{id} )->updated_at;
    return { bound => "$inflated", formatted => DateTime::Format::Pg->format_timestamptz($inflated) };
}

package main;
program::run( bless {}, 'Client' );
