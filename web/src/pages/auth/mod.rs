//! Signing up and in, and the pages that mails link to.

mod elsewhere;
mod finish;
mod frame;
mod invite;
mod login;
mod passwords;
mod sign_up;
mod verify;

pub use elsewhere::words as failure_words;
pub use finish::FinishLogin;
pub use frame::AuthFrame;
pub use invite::AcceptInvitation;
pub use login::Login;
pub use passwords::{ForgotPassword, ResetPassword};
pub use sign_up::SignUp;
pub use verify::{ChangeEmail, VerifyEmail};
