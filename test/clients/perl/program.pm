# What the programs of Perl share: they do what remote.py tells them. A client has the methods that it names, and
# values(model), a hash of what the library read.
package program;
use strict;
use warnings;
use JSON::PP ();
use Scalar::Util qw(blessed);

my $json = JSON::PP->new->utf8->canonical->allow_blessed->convert_blessed;
my @kept;

sub answer {
    print $json->encode( $_[0] ), "\n";
    return STDOUT->flush;
}

sub keep {
    my ( $client, $model ) = @_;
    my %values  = %{ $client->values($model) };
    my $version = $values{updated_at};
    push @kept, [ $model, $version ];
    return { %values, updated_at => $client->text($version), kept => $#kept };
}

sub obey {
    my ( $client, $told, $inside ) = @_;
    my $what = $told->{do};
    if ( $what eq 'read' ) {
        return keep( $client, $client->read( $told->{id} ) );
    }
    if ( $what eq 'save' ) {
        my $model = $kept[ $told->{kept} ][0];
        return keep( $client, $client->save( $model, $told->{changes} ) // $model );
    }
    if ( $what eq 'call' ) {
        my @values = @{ $told->{values} };
        $values[1] = $kept[ $values[1] ][1] if $values[1] =~ /^\d+$/;
        return keep( $client, $client->call( \@values, $inside ) );
    }
    if ( $what eq 'transaction' ) {
        $client->transaction( sub { answer( {} ); run( $client, @_ ); } );
    }
    elsif ( $what eq 'insert_many' ) { $client->insert_many( $told->{rows} ) }
    elsif ( $what eq 'update_many' ) { $client->update_many( $told->{ids}, $told->{status} ) }
    elsif ( $what eq 'upsert' )      { $client->upsert( $told->{row} ) }
    else                             { return $client->$what($told) }
    return {};
}

# Until the end of the input, or of the transaction that it is in.
sub run {
    my ( $client, $inside ) = @_;
    STDOUT->autoflush;
    while ( defined( my $line = <STDIN> ) ) {
        my $told = $json->decode($line);
        return if $told->{do} eq 'return';
        die "Thrown\n" if $told->{do} eq 'throw';
        my $answer = eval { obey( $client, $told, $inside ) };
        if ( !$answer ) {
            my ( $kind, $message ) = ( ref $@ || 'died', "$@" );
            ( $kind, $message ) = ( $1, $2 ) if !ref $@ && $message =~ /^(Stale|Thrown)\b(.*)/s;
            $answer = { error => $kind, message => $message };
        }
        answer($answer);
    }
    return;
}

1;
