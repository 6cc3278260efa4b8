//! Throttling: how often somebody may try a password, by the account that is named and by the address that it comes from.
//! The same for accounts that there are not. Bounded in memory; what is forgotten first is what was tried longest ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords for one account within [`WITHIN_SECS`].
pub const TRIES_PER_ACCOUNT_MAX: u32 = 10;
/// Wrong passwords from one address within [`WITHIN_SECS`]: many people may share one.
pub const TRIES_PER_ADDRESS_MAX: u32 = 50;
/// How long a wrong password counts.
pub const WITHIN_SECS: u64 = 900;
/// Most accounts, and most addresses, that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Counts of wrong passwords.
#[derive(Default)]
pub(crate) struct Throttle {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    accounts: Tries<String>,
    addresses: Tries<Option<IpAddr>>,
}

struct Tries<K>(HashMap<K, (Instant, u32)>);

impl<K> Default for Tries<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Tries<K> {
    /// Seconds until one more try is allowed; none where it is now.
    fn wait(&self, key: &K, most: u32, now: Instant) -> Option<u64> {
        let (began, tries) = self.0.get(key)?;
        let left = Duration::from_secs(WITHIN_SECS).checked_sub(now.duration_since(*began))?;
        (*tries >= most && !left.is_zero()).then(|| left.as_secs() + 1)
    }

    fn count(&mut self, key: K, now: Instant) {
        let within = Duration::from_secs(WITHIN_SECS);
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, (began, _)| now.duration_since(*began) < within);
            let oldest = self
                .0
                .iter()
                .min_by_key(|(_, (began, _))| *began)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest.filter(|_| self.0.len() >= REMEMBERED_MAX) {
                self.0.remove(&oldest);
            }
        }
        let (began, tries) = self.0.entry(key).or_insert((now, 0));
        if now.duration_since(*began) >= within {
            (*began, *tries) = (now, 0);
        }
        *tries = tries.saturating_add(1);
    }
}

impl Throttle {
    /// Counts a try before it is made, so that many at once gain nothing.
    ///
    /// # Errors
    /// Seconds to wait, where there were too many.
    pub(crate) fn try_once(&self, account: &str, address: Option<IpAddr>) -> Result<(), u64> {
        self.try_at(account, address, Instant::now())
    }

    fn try_at(&self, account: &str, address: Option<IpAddr>, now: Instant) -> Result<(), u64> {
        // What is no account's name is not remembered at length.
        let account: String = account.chars().take(64).collect();
        let address = address.map(network);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = [
            counts.accounts.wait(&account, TRIES_PER_ACCOUNT_MAX, now),
            counts.addresses.wait(&address, TRIES_PER_ADDRESS_MAX, now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        counts.accounts.count(account, now);
        counts.addresses.count(address, now);
        Ok(())
    }

    /// The password was right: what was tried for the account before is forgotten. Of the address's tries only this one
    /// is, or one account of one's own would make room for guessing others.
    pub(crate) fn succeeded(&self, account: &str, address: Option<IpAddr>) {
        let account: String = account.chars().take(64).collect();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.accounts.0.remove(&account);
        if let Some((_, tries)) = counts.addresses.0.get_mut(&address.map(network)) {
            *tries = tries.saturating_sub(1);
        }
    }
}

/// Whoever has one IPv6 address has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(now: Instant, secs: u64) -> Instant {
        now + Duration::from_secs(secs)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn an_account_is_tried_so_often_from_wherever_and_then_after_a_while_again() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..TRIES_PER_ACCOUNT_MAX {
            assert_eq!(throttle.try_at("ana", address(number as u8), now), Ok(()));
        }
        assert_eq!(
            throttle.try_at("ana", address(99), later(now, 10)),
            Err(WITHIN_SECS - 10 + 1)
        );
        assert_eq!(throttle.try_at("bo", address(99), now), Ok(()), "another account");
        assert_eq!(
            throttle.try_at("ana", address(99), later(now, WITHIN_SECS)),
            Ok(())
        );
    }

    #[test]
    fn an_address_tries_so_many_accounts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..TRIES_PER_ADDRESS_MAX {
            assert_eq!(throttle.try_at(&format!("a{number}"), address(1), now), Ok(()));
        }
        assert!(throttle.try_at("fresh", address(1), now).is_err());
        assert_eq!(throttle.try_at("fresh", address(2), now), Ok(()));
        // All of an IPv6 network is one address.
        let six = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 1, 2, 3, 4, 5, last]));
        for number in 0..TRIES_PER_ADDRESS_MAX {
            assert_eq!(
                throttle.try_at(&format!("b{number}"), six(number as u16), now),
                Ok(())
            );
        }
        assert!(throttle.try_at("other", six(999), now).is_err());
    }

    #[test]
    fn a_right_password_makes_room_for_its_account_and_not_for_its_address() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..TRIES_PER_ADDRESS_MAX {
            assert_eq!(throttle.try_at("ana", address(1), now), Ok(()));
            throttle.succeeded("ana", address(1));
            assert_eq!(
                throttle.try_at(&format!("other-{number}"), address(1), now),
                Ok(())
            );
        }
        assert!(throttle.try_at("ana", address(1), now).is_err());
        assert_eq!(throttle.try_at("ana", address(2), now), Ok(()));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..(REMEMBERED_MAX as u32 + 10) {
            let address = Some(IpAddr::from(number.to_be_bytes()));
            assert_eq!(
                throttle.try_at(
                    &format!("a{number}"),
                    address,
                    later(now, u64::from(number / 1_000))
                ),
                Ok(())
            );
        }
        let counts = throttle.counts.lock().unwrap();
        assert_eq!(
            (counts.accounts.0.len(), counts.addresses.0.len()),
            (REMEMBERED_MAX, REMEMBERED_MAX)
        );
        let oldest = counts.accounts.0.values().filter(|(began, _)| *began == now);
        assert_eq!(oldest.count(), 990, "the oldest went");
    }
}
