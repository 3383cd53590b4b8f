//! Schemes: how stored hashes were made, and what a login that fails has to cost.
//!
//! If it took only the time of the hash that it was compared with, the time would tell which users exist. So it
//! takes the time of every scheme in use, at its highest cost.

use argon2::password_hash::PasswordVerifier;
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use bcrypt::HashParts;

/// The highest cost of a bcrypt hash that is computed: about a second.
const BCRYPT_COST: u32 = 14;
/// The most that an Argon2 hash may cost that is computed: kibibytes times passes, some seconds.
const ARGON2_COST: u64 = 4 << 20;
/// So many kinds of Argon2 hashes are in use at most.
const KINDS: usize = 8;

/// How a hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bcrypt { cost: u32 },
    Argon2 { algorithm: Algorithm, memory: u32, passes: u32, lanes: u32 },
}

impl Scheme {
    /// Reads how a hash was made; what is none has no scheme.
    pub(super) fn of(hash: &str) -> Option<Self> {
        if !hash.starts_with("$argon2") {
            let cost = hash.parse::<HashParts>().ok()?.get_cost();
            return (cost >= 4).then_some(Self::Bcrypt { cost });
        }
        let parsed = PasswordHash::new(hash).ok()?;
        parsed.salt.as_ref().zip(parsed.hash.as_ref())?;
        let params = Params::try_from(&parsed).ok()?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).ok()?;
        Some(Self::Argon2 { algorithm, memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() })
    }

    /// Tells whether it is too costly to be computed at all.
    pub(super) fn costs_too_much(self) -> bool {
        match self {
            Self::Bcrypt { cost } => cost > BCRYPT_COST,
            Self::Argon2 { memory, passes, .. } => u64::from(memory).saturating_mul(passes.into()) > ARGON2_COST,
        }
    }

    /// Tells whether a hash of this scheme is that of the password.
    pub(super) fn verify(self, password: &str, hash: &str) -> bool {
        match self {
            Self::Bcrypt { .. } => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Argon2 { .. } => Argon2::default().verify_password(password.as_bytes(), hash).is_ok(),
        }
    }

    /// Takes the time of a comparison, with nothing.
    pub(super) fn spend(self, password: &str) {
        let salt = [0; 16];
        match self {
            Self::Bcrypt { cost } => {
                std::hint::black_box(bcrypt::hash_with_salt(password, cost, salt)).ok();
            }
            Self::Argon2 { algorithm, memory, passes, lanes } => {
                let Ok(params) = Params::new(memory, passes, lanes, None) else { return };
                let argon2 = Argon2::new(algorithm, Version::V0x13, params);
                let mut out = [0; 32];
                std::hint::black_box(argon2.hash_password_into(password.as_bytes(), &salt, &mut out)).ok();
            }
        }
    }
}

/// The schemes of the hashes that there are, as far as they have been seen.
#[derive(Debug)]
pub(super) struct InUse {
    /// The highest cost.
    bcrypt: Option<u32>,
    argon2: Vec<Scheme>,
}

impl InUse {
    /// Begins with that of new hashes.
    pub(super) fn new(today: Scheme) -> Self {
        let mut in_use = Self { bcrypt: None, argon2: Vec::new() };
        in_use.note(today);
        in_use
    }

    /// Notes that there is a hash of this scheme.
    pub(super) fn note(&mut self, scheme: Scheme) {
        match scheme {
            Scheme::Bcrypt { cost } => self.bcrypt = self.bcrypt.max(Some(cost)),
            Scheme::Argon2 { .. } if self.argon2.contains(&scheme) => {}
            Scheme::Argon2 { .. } if self.argon2.len() < KINDS => self.argon2.push(scheme),
            Scheme::Argon2 { .. } => {
                tracing::warn!(
                    "there are too many kinds of Argon2 hashes: the time of a failed login may tell of some"
                );
            }
        }
    }

    /// Returns what a login that has failed computes still, when its password was compared with a hash of this scheme.
    ///
    /// Each step of a bcrypt cost takes twice the time: one more of the same cost, and one of each up to the highest,
    /// are together as long as the highest alone.
    pub(super) fn rest(&self, done: Option<Scheme>) -> Vec<Scheme> {
        let costs = match (self.bcrypt, done) {
            (Some(highest), Some(Scheme::Bcrypt { cost })) => cost..highest,
            (Some(highest), _) => highest..highest + 1,
            (None, _) => 0..0,
        };
        let bcrypt = costs.map(|cost| Scheme::Bcrypt { cost });
        bcrypt.chain(self.argon2.iter().copied().filter(|scheme| Some(*scheme) != done)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const fn argon2(memory: u32, passes: u32) -> Scheme {
        Scheme::Argon2 { algorithm: Algorithm::Argon2id, memory, passes, lanes: 1 }
    }

    /// Returns how much is computed of each kind.
    fn work(in_use: &InUse, done: Option<Scheme>) -> BTreeMap<String, u64> {
        let mut work = BTreeMap::new();
        for scheme in in_use.rest(done).into_iter().chain(done) {
            let (name, amount) = match scheme {
                Scheme::Bcrypt { cost } => ("bcrypt".to_owned(), 1 << cost),
                argon2 @ Scheme::Argon2 { .. } => (format!("{argon2:?}"), 1),
            };
            *work.entry(name).or_default() += amount;
        }
        work
    }

    #[test]
    fn every_login_that_fails_costs_the_same() {
        let kinds = [argon2(19_456, 2), argon2(8, 1), argon2(19_456, 3)];
        for in_use in [
            &kinds[..1],
            &kinds,
            &[kinds[0], Scheme::Bcrypt { cost: 10 }],
            &[kinds[0], Scheme::Bcrypt { cost: 14 }, kinds[1], Scheme::Bcrypt { cost: 4 }, Scheme::Bcrypt { cost: 10 }],
        ] {
            let mut table = InUse::new(in_use[0]);
            for scheme in in_use {
                table.note(*scheme);
            }
            let nobody = work(&table, None);
            for known in in_use {
                assert_eq!(work(&table, Some(*known)), nobody, "{known:?} of {in_use:?}");
            }
            let highest = in_use.iter().filter_map(|scheme| match scheme {
                Scheme::Bcrypt { cost } => Some(1 << cost),
                Scheme::Argon2 { .. } => None,
            });
            assert_eq!(nobody.get("bcrypt").copied(), highest.max(), "no more than the highest cost");
        }
    }

    #[test]
    fn schemes_are_read_and_bounded() {
        let bcrypt = bcrypt::hash_with_salt("x", 4, [7; 16]).map(|parts| parts.to_string()).unwrap_or_default();
        assert_eq!(Scheme::of(&bcrypt), Some(Scheme::Bcrypt { cost: 4 }));
        let costly = bcrypt.replacen("$04$", "$15$", 1);
        assert!(Scheme::of(&costly).is_some_and(Scheme::costs_too_much));
        assert!(!Scheme::Bcrypt { cost: 14 }.costs_too_much());
        let argon2id = "$argon2id$v=19$m=64,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(Scheme::of(argon2id), Some(argon2(64, 3)));
        assert!(!argon2(19_456, 2).costs_too_much() && argon2(1 << 20, 5).costs_too_much());
        assert!(argon2(u32::MAX, u32::MAX).costs_too_much());
        for none in
            ["", "$", "$2b$", &bcrypt[..59], &bcrypt.replacen("$04$", "$03$", 1), "$argon2id$v=19$m=64,t=3,p=1$"]
        {
            assert_eq!(Scheme::of(none), None, "{none}");
        }
    }
}
