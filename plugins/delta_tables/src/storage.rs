//! Settings of object stores among the options of a table.

/// Those of S3 (feature `s3`), as `deltalake` and `object_store` know them.
#[cfg(feature = "s3")]
const KNOWN: &[&str] = &[
    "aws_access_key_id",
    "aws_allow_http",
    "aws_conditional_put",
    "aws_ec2_metadata_disabled",
    "aws_endpoint_url",
    "aws_force_credential_load",
    "aws_iam_role_arn",
    "aws_iam_role_session_name",
    "aws_profile",
    "aws_region",
    "aws_role_arn",
    "aws_role_session_name",
    "aws_s3_addressing_style",
    "aws_s3_allow_unsafe_rename",
    "aws_s3_locking_provider",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_skip_signature",
    "aws_virtual_hosted_style_request",
    "aws_web_identity_token_file",
];

/// Local tables have none.
#[cfg(not(feature = "s3"))]
const KNOWN: &[&str] = &[];

/// The key of the setting that an option means, however it is written. DataFusion hands over
/// lower case.
pub(crate) fn setting(option: &str) -> Option<String> {
    let known = KNOWN.iter().find(|key| key.eq_ignore_ascii_case(option));
    known.map(|key| key.to_ascii_uppercase())
}

/// All options that are settings.
pub(crate) fn known() -> &'static [&'static str] {
    KNOWN
}

/// Has `deltalake` know the object stores. Its own registration is a constructor of its library, which
/// a linker may leave out of a plugin.
pub(crate) fn register() {
    #[cfg(feature = "s3")]
    deltalake::aws::register_handlers(None);
}
