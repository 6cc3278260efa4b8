//! Passkeys: what a browser gives when one is made, and when one signs.
//!
//! Layout: Web Authentication Level 2, sections 5.8.1 (client data), 6.1 (authenticator data), 7.1 and 7.2 (what to look at).
//! The challenge is the digest of a statement, so that a signature is over that statement and no other. Where a key was made, its
//! maker's word for it (attestation) is not asked.

use gateline_model::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::cose::CoseKey;
use super::{SignatureError, bytes, text};

/// Bytes of the client data, to which browsers may add what they like.
pub const CLIENT_DATA_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the id of a credential (section 4, "Credential ID").
const CREDENTIAL_BYTES_MAX: usize = 1_023;

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const SYNCABLE: u8 = 1 << 3;
const SYNCED: u8 = 1 << 4;
const HAS_KEY: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// Where passkeys are made and used: the address of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Scheme, host and port, as a browser writes an origin.
    pub origin: String,
    /// The host, to which passkeys are bound.
    pub host: String,
}

impl Site {
    /// The site at an address, where browsers have passkeys for it: over HTTPS or on this host, and never at a bare number.
    pub fn of(address: &str) -> Option<Site> {
        let (scheme, rest) = address.split_once("://")?;
        let host = match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) | None => rest,
        };
        let is_name = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
            && host.parse::<std::net::IpAddr>().is_err();
        let is_safe = scheme == "https" || (scheme == "http" && host == "localhost");
        (is_name && is_safe).then(|| Site {
            origin: address.to_owned(),
            host: host.to_owned(),
        })
    }
}

/// A passkey that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id, in base64url.
    pub credential: String,
    /// The COSE key, in base64url.
    pub public: String,
    /// How often it signed.
    pub counter: u32,
    /// Whether it is copied to its owner's other devices.
    pub synced: bool,
}

/// What a signature says besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asserted {
    /// How often a passkey says that it signed.
    pub counter: Option<u32>,
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    of: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// What was made when a page asked for a new passkey, with this statement's digest as the challenge.
///
/// # Errors
/// [`SignatureError`]
pub fn enrol_passkey(
    site: &Site,
    statement: &Digest,
    client_data: &str,
    authenticator_data: &str,
) -> Result<Passkey, SignatureError> {
    look_at_client("webauthn.create", &bytes(client_data)?, site, statement)?;
    let data = bytes(authenticator_data)?;
    let (flags, counter, rest) = look_at_authenticator(&data, site)?;
    if flags & HAS_KEY == 0 {
        return Err(unreadable("there is no key in it"));
    }
    let cut_off = || unreadable("its key is cut off");
    // The model of the authenticator comes first; nobody vouches for it.
    let (_, rest) = rest.split_at_checked(16).ok_or_else(cut_off)?;
    let (length, rest) = rest.split_at_checked(2).ok_or_else(cut_off)?;
    let length = usize::from(length[0]) << 8 | usize::from(length[1]);
    if length == 0 || length > CREDENTIAL_BYTES_MAX {
        return Err(unreadable("its id has a length that no passkey's has"));
    }
    let (credential, key) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    let (_, behind) = CoseKey::read(key)?;
    if !behind.is_empty() && flags & HAS_EXTENSIONS == 0 {
        return Err(unreadable("something stands behind its end"));
    }
    Ok(Passkey {
        credential: text(credential),
        public: text(&key[..key.len() - behind.len()]),
        counter,
        synced: flags & SYNCED != 0,
    })
}

/// Holds what a passkey signed (client data, authenticator data, signature) against its COSE key and a statement's digest.
///
/// # Errors
/// [`SignatureError`]
pub fn verify_passkey(
    cose: &[u8],
    site: &Site,
    statement: &Digest,
    (client_data, authenticator_data, signature): (&[u8], &[u8], &[u8]),
) -> Result<Asserted, SignatureError> {
    look_at_client("webauthn.get", client_data, site, statement)?;
    let (flags, counter, rest) = look_at_authenticator(authenticator_data, site)?;
    if !rest.is_empty() && flags & (HAS_KEY | HAS_EXTENSIONS) == 0 {
        return Err(unreadable("something stands behind its end"));
    }
    let (key, behind) = CoseKey::read(cose)?;
    if !behind.is_empty() {
        return Err(SignatureError::Key("something stands behind its end".to_owned()));
    }
    let signed = [authenticator_data, Sha256::digest(client_data).as_slice()].concat();
    match key.signed(&signed, signature) {
        true => Ok(Asserted {
            counter: Some(counter),
        }),
        false => Err(SignatureError::Altered),
    }
}

fn unreadable(why: &str) -> SignatureError {
    SignatureError::Unreadable(why.to_owned())
}

fn look_at_client(
    of: &'static str,
    client_data: &[u8],
    site: &Site,
    statement: &Digest,
) -> Result<(), SignatureError> {
    if client_data.len() > CLIENT_DATA_BYTES_MAX {
        return Err(unreadable("the client data is too long"));
    }
    let said: ClientData = serde_json::from_slice(client_data)
        .map_err(|err| unreadable(&format!("the client data is wrong: {err}")))?;
    let short = |text: &str| crate::text::one_line(text, 100);
    if said.of != of {
        return Err(SignatureError::Type(short(&said.of)));
    }
    // First who asked: a page of another site has another statement, and that would tell less.
    if said.origin != site.origin || said.cross_origin {
        return Err(SignatureError::Origin {
            said: short(&said.origin),
            ours: site.origin.clone(),
        });
    }
    if said.challenge != text(statement.as_bytes()) {
        return Err(SignatureError::Challenge);
    }
    Ok(())
}

/// The flags, the counter and what stands behind them.
fn look_at_authenticator<'d>(data: &'d [u8], site: &Site) -> Result<(u8, u32, &'d [u8]), SignatureError> {
    let cut_off = || unreadable("the authenticator data is cut off");
    let (host, rest) = data.split_at_checked(32).ok_or_else(cut_off)?;
    let (flags, rest) = rest.split_first().ok_or_else(cut_off)?;
    let (counter, rest) = rest.split_at_checked(4).ok_or_else(cut_off)?;
    if host != Sha256::digest(site.host.as_bytes()).as_slice() {
        return Err(SignatureError::Site(site.host.clone()));
    }
    if flags & PRESENT == 0 {
        return Err(SignatureError::NotPresent);
    }
    if flags & VERIFIED == 0 {
        return Err(SignatureError::NotVerified);
    }
    if flags & SYNCED != 0 && flags & SYNCABLE == 0 {
        return Err(unreadable("it is copied and can not be copied, it says"));
    }
    let counter = counter
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte));
    Ok((*flags, counter, rest))
}
