//! [`SigningSecret`] and [`verify`]: signatures as Standard Webhooks has them.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use safeguards_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What such a secret begins with where it is a text.
const PREFIX: &str = "whsec_";
/// What stands before a signature: the version of the scheme.
const VERSION: &str = "v1,";
/// How many signatures of one request are looked at: more come of nobody who only replaces a secret.
const SIGNATURES_MAX: usize = 16;

/// The secret that sender and receiver of a webhook share: 24 bytes or more.
///
/// Neither `Debug` nor an error shows it.
///
/// ```
/// use safeguards_notify::webhook::SigningSecret;
///
/// let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// assert_eq!(format!("{secret:?}"), "SigningSecret([hidden])");
/// # Ok::<(), safeguards_notify::webhook::SecretError>(())
/// ```
#[derive(Clone)]
pub struct SigningSecret {
    keyed: Hmac<Sha256>,
    /// The secret as a text without its prefix, to be kept out of other texts.
    text: SecretString,
}

/// Why a text or bytes are no [`SigningSecret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is not Base64.
    #[error("the secret for signatures is no Base64 behind `whsec_`")]
    NotBase64,
    /// It could be guessed.
    #[error("the secret for signatures has {bytes} bytes; {min} or more are needed")]
    TooShort {
        /// How many it has.
        bytes: usize,
        /// How many it needs.
        min: usize,
    },
}

impl SecretError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotBase64 => "notify.secret_not_base64",
            Self::TooShort { .. } => "notify.secret_too_short",
        }
    }
}

impl SigningSecret {
    /// The fewest bytes of a secret.
    pub const BYTES_MIN: usize = 24;

    /// Reads `whsec_` and Base64, or Base64 alone.
    ///
    /// # Errors
    ///
    /// Where it is no Base64, or of less than 24 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text));
        Self::from_bytes(&bytes.map_err(|_| SecretError::NotBase64)?)
    }

    /// Takes the bytes as they are.
    ///
    /// # Errors
    ///
    /// Where there are less than 24.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        let too_short = || SecretError::TooShort { bytes: bytes.len(), min: Self::BYTES_MIN };
        if bytes.len() < Self::BYTES_MIN {
            return Err(too_short());
        }
        // HMAC takes keys of any length.
        let keyed = Hmac::new_from_slice(bytes).map_err(|_| too_short())?;
        Ok(Self { keyed, text: STANDARD.encode(bytes).into() })
    }

    /// The secret as Base64, to be kept out of other texts.
    pub(crate) fn text(&self) -> &str {
        self.text.expose_secret()
    }

    /// One entry of the header: version and signature.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signature = self.mac(id, timestamp, body).finalize().into_bytes();
        format!("{VERSION}{}", STANDARD.encode(signature))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningSecret([hidden])")
    }
}

/// The three headers that a signature is checked with, as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the scheme has these three headers")]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`: one signature, or several with spaces between them.
    pub signature: &'a str,
}

/// Why a request is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The time is no whole number of seconds.
    #[error("the time {text:?} of the webhook is no number of seconds since 1970")]
    InvalidTimestamp {
        /// What came.
        text: String,
    },
    /// It is too long ago: somebody may send again what was heard.
    #[error("the webhook was signed {} s ago; {} s are allowed", age.as_secs(), tolerance.as_secs())]
    TooOld {
        /// How long ago.
        age: Duration,
        /// How long it may be.
        tolerance: Duration,
    },
    /// It is signed for later: one of the two clocks is wrong.
    #[error("the webhook was signed {} s ahead of time; {} s are allowed", ahead.as_secs(), tolerance.as_secs())]
    TooNew {
        /// How far ahead.
        ahead: Duration,
        /// How far it may be.
        tolerance: Duration,
    },
    /// There is no signature of the version that is known.
    #[error("the webhook has no signature of version 1")]
    NotSigned,
    /// No signature is the one that the secret makes.
    #[error(
        "no signature of the webhook fits: it was changed on the way, or signed with another secret"
    )]
    Mismatch,
}

impl VerifyError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTimestamp { .. } => "notify.webhook_timestamp_invalid",
            Self::TooOld { .. } => "notify.webhook_too_old",
            Self::TooNew { .. } => "notify.webhook_too_new",
            Self::NotSigned => "notify.webhook_not_signed",
            Self::Mismatch => "notify.webhook_signature_mismatch",
        }
    }
}

/// Whether a request that came in was signed with `secret`, unchanged, at most `tolerance` before or after
/// `now`: what the receiver of a webhook asks.
///
/// `body` is what came, byte for byte: not JSON that was read and written again. Signatures are compared in
/// a time that tells nothing. While a secret is being replaced there are several signatures; one that fits
/// is enough; the first 16 are looked at. The same request may still come twice: keep the ids seen within the tolerance.
///
/// ```
/// use std::time::Duration;
/// use safeguards_notify::webhook::{SignatureHeaders, SigningSecret, verify};
/// use safeguards_types::Timestamp;
///
/// let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let headers = SignatureHeaders {
///     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
///     timestamp: "1614265330",
///     signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
/// };
/// let now = Timestamp::parse("2021-02-25T15:02:20Z")?; // ten seconds later
/// let tolerance = Duration::from_mins(5);
/// verify(&secret, headers, br#"{"test": 2432232314}"#, now, tolerance)?;
/// assert!(verify(&secret, headers, br#"{"test": 0}"#, now, tolerance).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`VerifyError`]; the time is looked at before the signature.
pub fn verify(
    secret: &SigningSecret,
    headers: SignatureHeaders<'_>,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), VerifyError> {
    let SignatureHeaders { id, timestamp, signature } = headers;
    let invalid = || VerifyError::InvalidTimestamp { text: timestamp.to_owned() };
    let seconds: u64 = timestamp.parse().map_err(|_| invalid())?;
    let signed_at =
        Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or_else(invalid)?;
    let (age, ahead) = (now.since(signed_at), signed_at.since(now));
    if age > tolerance {
        return Err(VerifyError::TooOld { age, tolerance });
    }
    if ahead > tolerance {
        return Err(VerifyError::TooNew { ahead, tolerance });
    }
    // Whoever sends more only wants to keep the receiver busy.
    let mut signatures = signature
        .split_whitespace()
        .filter_map(|entry| entry.strip_prefix(VERSION))
        .take(SIGNATURES_MAX)
        .peekable();
    if signatures.peek().is_none() {
        return Err(VerifyError::NotSigned);
    }
    let mac = secret.mac(id, timestamp, body);
    let fits = |signature: &str| {
        let bytes = STANDARD.decode(signature);
        // Compares in constant time.
        bytes.is_ok_and(|bytes| mac.clone().verify_slice(&bytes).is_ok())
    };
    if signatures.any(fits) { Ok(()) } else { Err(VerifyError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const BODY: &str = r#"{"test": 2432232314}"#;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    #[track_caller]
    fn check(timestamp: &str, signature: &str, body: &str, now: u64, expected: Option<&str>) {
        let secret = SigningSecret::parse(SECRET).unwrap();
        let headers = SignatureHeaders { id: ID, timestamp, signature };
        let tolerance = Duration::from_mins(5);
        let got = verify(&secret, headers, body.as_bytes(), at(now), tolerance);
        assert_eq!(got.err().map(|error| error.code()), expected, "{timestamp} {signature} {now}");
    }

    #[test]
    fn the_example_of_the_specification() {
        let secret = SigningSecret::parse(SECRET).unwrap();
        assert_eq!(secret.sign(ID, TIMESTAMP, BODY.as_bytes()), SIGNATURE);
        check(TIMESTAMP, SIGNATURE, BODY, 1_614_265_330, None);
    }

    #[test]
    fn time_has_its_bounds() {
        check(TIMESTAMP, SIGNATURE, BODY, 1_614_265_630, None);
        check(TIMESTAMP, SIGNATURE, BODY, 1_614_265_631, Some("notify.webhook_too_old"));
        check(TIMESTAMP, SIGNATURE, BODY, 1_614_265_030, None);
        check(TIMESTAMP, SIGNATURE, BODY, 1_614_265_029, Some("notify.webhook_too_new"));
        for timestamp in ["", "soon", "-1", "1614265330.5", "99999999999999999999", "9999999999999"]
        {
            let expected = Some("notify.webhook_timestamp_invalid");
            check(timestamp, SIGNATURE, BODY, 1_614_265_330, expected);
        }
        // Another time is another text that is signed.
        check(
            "1614265331",
            SIGNATURE,
            BODY,
            1_614_265_330,
            Some("notify.webhook_signature_mismatch"),
        );
    }

    #[test]
    fn one_signature_of_several_is_enough() {
        let now = 1_614_265_330;
        let mismatch = Some("notify.webhook_signature_mismatch");
        check(TIMESTAMP, &format!("v1,AAAA v1a,zzzz {SIGNATURE}"), BODY, now, None);
        check(TIMESTAMP, "v1,AAAA v1,not-base-64", BODY, now, mismatch);
        let behind = |others: usize| format!("{}{SIGNATURE}", "v1,AAAA ".repeat(others));
        check(TIMESTAMP, &behind(15), BODY, now, None);
        check(TIMESTAMP, &behind(16), BODY, now, mismatch);
        check(TIMESTAMP, &SIGNATURE[..SIGNATURE.len() - 4], BODY, now, mismatch);
        check(TIMESTAMP, SIGNATURE, "{}", now, mismatch);
        for unsigned in ["", "v1a,AAAA", "g0hM9SsE", "v2,g0hM"] {
            check(TIMESTAMP, unsigned, BODY, now, Some("notify.webhook_not_signed"));
        }
    }

    #[track_caller]
    fn check_secret(text: &str, expected: Option<SecretError>) {
        assert_eq!(SigningSecret::parse(text).err(), expected, "{text}");
    }

    #[test]
    fn a_secret_is_long_enough() {
        check_secret(SECRET, None);
        check_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        check_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", Some(SecretError::NotBase64));
        check_secret("whsec_", Some(SecretError::TooShort { bytes: 0, min: 24 }));
        let short = SigningSecret::from_bytes(&[7; 23]).unwrap_err();
        assert_eq!(short, SecretError::TooShort { bytes: 23, min: 24 });
        assert_eq!(
            short.to_string(),
            "the secret for signatures has 23 bytes; 24 or more are needed"
        );
        assert!(SigningSecret::from_bytes(&[7; 24]).is_ok());
    }
}
