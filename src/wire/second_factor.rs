//! Bodies of `/api/auth/totp`.

use crate::model::second_factor::SecondFactor;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::wire::account::Opaque;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST` and `DELETE /api/auth/totp`.
#[derive(Debug, Clone, ToSchema)]
pub struct WithPassword {
    #[schema(value_type = String, format = Password)]
    pub password: Secret<String>,
}

impl Body for WithPassword {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { password: form.required::<Opaque>("password")?.0 })
    }
}

/// `POST /api/auth/totp/confirm`.
#[derive(Debug, Clone, ToSchema)]
pub struct WithCode {
    /// Six digits.
    #[schema(value_type = String, format = Password)]
    pub code: Secret<String>,
}

impl Body for WithCode {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { code: form.required::<Opaque>("code")?.0 })
    }
}

/// `GET /api/auth/totp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorBody {
    /// Whether a login needs a code.
    pub enabled: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub enabled_at: Option<Timestamp>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
}

impl From<Option<SecondFactor>> for SecondFactorBody {
    fn from(factor: Option<SecondFactor>) -> Self {
        let enabled_at = factor.as_ref().and_then(|factor| factor.confirmed_at);
        let left = factor.filter(|_| enabled_at.is_some()).map_or(0, |factor| factor.recovery_codes_left);
        Self { enabled: enabled_at.is_some(), enabled_at, recovery_codes_left: left }
    }
}

/// The answer to `POST /api/auth/totp`. A code of the secret turns the second factor on.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentBody {
    /// To be typed into an authenticator app: base 32.
    pub secret: String,
    /// To be scanned by one, as a QR code.
    pub otpauth_url: String,
}

/// The answer to `POST /api/auth/totp/confirm`: the only time that the recovery codes are shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodesBody {
    /// Each stands in for a code once.
    pub recovery_codes: Vec<String>,
}
