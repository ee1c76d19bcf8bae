//! From where an account was signed in to, so that a stranger's tries cannot lock its
//! owner out.
//!
//! Whoever floods an address with wrong passwords uses up the tries for that address, from
//! as many networks as they have. The owner, at a network that their account was signed in
//! to from, is counted apart: with as many tries, by account and network, which a stranger
//! elsewhere cannot use up. So nobody has to choose between guessing and locking out.
//!
//! *Why networks and no cookie*: what is known is then with the account, for each client
//! and each instance, without a key that has to be shared and kept; a program that signs in
//! has it too, and a browser whose cookies are cleared. Who sits in the owner's own network
//! and tries the owner's address is counted with them; a cookie would tell the two apart.
//!
//! *What is kept* is a hash of account and network, of the last ten. That is no secret: who
//! has the database can try all networks. It only keeps addresses out of one more place.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use trailkeep_store::access::{SecretHash, StaffAccount};
use uuid::Uuid;

use super::client::network;

/// A network, as one account knows it.
pub fn place(account: Uuid, client: IpAddr) -> SecretHash {
    let network = match network(client) {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let mut hash = Sha256::new();
    hash.update(account.as_bytes());
    hash.update(network.octets());
    hash.finalize().into()
}

/// The place from where somebody tries to sign in, if the account was signed in to from
/// there.
pub fn known_place(account: Option<&StaffAccount>, client: IpAddr) -> Option<SecretHash> {
    let account = account?;
    let place = place(account.id, client);
    account.places.contains(&place).then_some(place)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(account: u128, client: &str) -> SecretHash {
        place(Uuid::from_u128(account), client.parse().unwrap())
    }

    #[test]
    fn a_place_is_a_network_of_one_account() {
        assert_eq!(at(1, "2001:db8::1"), at(1, "2001:db8::ffff:1"));
        assert_ne!(at(1, "2001:db8::1"), at(1, "2001:db8:0:1::1"));
        assert_ne!(at(1, "192.0.2.1"), at(1, "192.0.2.2"));
        assert_ne!(at(1, "192.0.2.1"), at(2, "192.0.2.1"));
    }
}
