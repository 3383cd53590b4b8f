//! Pairs of keys in PEM, made for each run, so that the repository has none.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A private and a public key.
pub(crate) struct Pair {
    pub(crate) private: String,
    pub(crate) public: String,
}

/// Makes a pair for an algorithm of tokens.
pub(crate) fn pair(algorithm: &str) -> Pair {
    let x509 = |public: PublicKeyX509Der<'_>| pem("PUBLIC KEY", public.as_ref());
    match algorithm {
        "RS256" => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            Pair { private: pem("PRIVATE KEY", private.as_ref()), public: x509(pair.public_key().as_der().unwrap()) }
        }
        "ES256" => {
            let random = SystemRandom::new();
            let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref()).unwrap();
            Pair { private: pem("PRIVATE KEY", private.as_ref()), public: x509(pair.public_key().as_der().unwrap()) }
        }
        _ => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            Pair { private: pem("PRIVATE KEY", private.as_ref()), public: x509(pair.public_key().as_der().unwrap()) }
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
