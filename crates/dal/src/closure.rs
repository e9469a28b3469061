//! What can be run in a transaction.

use std::future::Future;

/// An async closure whose future is `Send`: what [`DAL::transaction`](crate::DAL::transaction) takes.
///
/// Rust cannot yet name the future of an `AsyncFnOnce`, so neither say that it is `Send`. Every async closure
/// implements this by itself.
pub trait Closure<T, R>:
    AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as Closure<T, R>>::Future
{
    /// What the closure returns.
    type Future: Future<Output = R>;
}

impl<F, T, R, Fut> Closure<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Future = Fut;
}

/// An async closure that can run more than once: what [`DAL::transaction_with_retry`](crate::DAL::transaction_with_retry) takes.
pub trait RetryClosure<T, R>:
    AsyncFnMut(T) -> R + FnMut(T) -> <Self as RetryClosure<T, R>>::Future
{
    /// What the closure returns.
    type Future: Future<Output = R>;
}

impl<F, T, R, Fut> RetryClosure<T, R> for F
where
    F: AsyncFnMut(T) -> R + FnMut(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Future = Fut;
}
