# Of no language that is known: Debian's base system has a Perl, and the Procfile says how to start it.
use strict;
use warnings;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(LocalPort => $ENV{PORT} // 8080, Listen => 64, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) {
    my $request = <$client> // '';
    while (defined(my $header = <$client>)) { last if $header eq "\r\n" }
    my ($status, $body) = $request =~ m{^GET / } ? ('200 OK', "Hello from a Procfile\n") : ('404 Not Found', "There is no such page\n");
    printf $client "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", $status, length $body, $body;
    close $client;
}
