//! The places of a listener, and the shares of them.

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_peer_has_its_share_and_leaves_the_others_theirs() {
    let admission = Admission::new(3, 2);
    let greedy = address("192.0.2.1");
    let first = admission.admit(greedy).unwrap();
    let _second = admission.admit(greedy).unwrap();
    assert_eq!(admission.admit(greedy).unwrap_err(), TurnedAway::PeerHasItsShare);
    let third = admission.admit(address("192.0.2.2")).unwrap();
    assert_eq!(admission.admit(address("192.0.2.3")).unwrap_err(), TurnedAway::Full);
    drop(third);
    let _other = admission.admit(address("192.0.2.3")).unwrap();
    drop(first);
    let _again = admission.admit(greedy).unwrap();
}

#[test]
fn who_has_gone_is_forgotten() {
    let admission = Admission::new(8, 8);
    drop((
        admission.admit(address("192.0.2.1")).unwrap(),
        admission.admit(address("172.17.0.2")).unwrap(),
        admission.admit(address("2001:db8::1")).unwrap(),
    ));
    let taken = admission.0.taken();
    assert_eq!((taken.in_all, taken.by.len()), (0, 0));
}

#[test]
fn a_network_is_one_peer() {
    let peer = |text: &str| Peer::from(address(text));
    assert_eq!(peer("2001:db8:1:2:3:4:5:6"), peer("2001:db8:1:2:ffff::"));
    assert_ne!(peer("2001:db8:1:2::"), peer("2001:db8:1:3::"));
    assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    // As a socket for both families names the peer.
    assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
    assert_ne!(peer("::ffff:192.0.2.1"), peer("::ffff:192.0.2.2"));
}

/// How many of these a listener with 64 places takes, 4 for a peer.
fn taken(addresses: impl Iterator<Item = IpAddr>) -> (usize, Admission, Vec<Place>) {
    let admission = Admission::new(64, 4);
    let places: Vec<_> = addresses.filter_map(|address| admission.admit(address).ok()).collect();
    (places.len(), admission, places)
}

#[test]
fn containers_leave_places_to_everybody_else() {
    let four_each = |address: IpAddr| [address; 8];
    let containers = (0..100_u8).map(|net| IpAddr::from([172, 17 + net % 15, net, 2]));
    let (count, admission, _places) = taken(containers.flat_map(four_each));
    assert_eq!(count, 16);
    for other in ["192.0.2.1", "10.0.0.1", "192.168.1.7", "127.0.0.1", "fd00::1", "2001:db8::1"] {
        admission.admit(address(other)).unwrap();
    }
    let (count, ..) = taken((0..100_u16).map(|net| Ipv6Addr::new(0xfd00, net, 0, 0, 0, 0, 0, 1).into()));
    assert_eq!(count, 16);
    // Of the rest of the world each address is for itself.
    let (count, ..) = taken((0..100_u8).map(|last| IpAddr::from([192, 0, 2, last])));
    assert_eq!(count, 64);
}

#[test]
fn who_has_many_networks_has_one_share_of_them() {
    let in_site = |net: u16| Ipv6Addr::new(0x2001, 0xdb8, 1, net, 0, 0, 0, 1).into();
    assert_eq!(taken((0..8).map(|_| in_site(1))).0, 4);
    assert_eq!(taken((0..256).map(in_site)).0, 16);
    assert_eq!(taken((0..u16::MAX).map(in_site)).0, 32);
}

#[test]
fn an_account_has_its_share_from_wherever() {
    let admission = Admission::new(usize::MAX, 1);
    let (ada, bob) = (UserId::generate(), UserId::generate());
    let place = admission.admit_account(ada).unwrap();
    assert_eq!(admission.admit_account(ada).unwrap_err(), TurnedAway::PeerHasItsShare);
    let _other = admission.admit_account(bob).unwrap();
    drop(place);
    let _again = admission.admit_account(ada).unwrap();
}

#[test]
fn without_a_limit_there_is_none() {
    let admission = Admission::shares_of(16, usize::MAX);
    let _places: Vec<_> = (0..100).map(|_| admission.admit(address("172.17.0.2")).unwrap()).collect();
}

#[test]
fn a_place_that_grows_has_no_more_than_its_share() {
    let admission = Admission::new(10, 4);
    let (greedy, other) = (address("192.0.2.1"), address("192.0.2.2"));
    let mut first = admission.admit(greedy).unwrap();
    first.grow(2).unwrap();
    let mut second = admission.admit(greedy).unwrap();
    assert_eq!(second.grow(1).unwrap_err(), TurnedAway::PeerHasItsShare);
    // What counts for nobody any more is still there.
    first.leave_shares();
    second.grow(3).unwrap();
    let mut third = admission.admit(other).unwrap();
    third.grow(2).unwrap();
    assert_eq!(third.grow(1).unwrap_err(), TurnedAway::Full);
    drop(first);
    third.grow(1).unwrap();
    drop((second, third));
    let taken = admission.0.taken();
    assert_eq!((taken.in_all, taken.by.len()), (0, 0));
}
