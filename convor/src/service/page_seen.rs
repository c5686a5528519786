//! A visitor is on a page.

use crate::config::PageDetail;
use crate::domain::{CurrentPage, Principal, Text};
use crate::error::Error;
use crate::ports::SignalBody;

use super::{Chat, parse};

impl Chat {
    /// Notes on which page the visitor is, as far as [`PageDetail`] lets it be kept, and tells staff.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for anybody but a visitor, [`Error::Invalid`] for what is no web address.
    pub async fn page_seen(
        &self,
        principal: &Principal,
        url: &str,
        title: Option<&str>,
    ) -> Result<(), Error> {
        let Principal::Visitor { tenant, visitor, .. } = *principal else { return Err(Error::Forbidden) };
        let limits = self.limits();
        let url = parse("url", Text::line(url, limits.url_chars_max))?;
        if !url.as_str().starts_with("https://") && !url.as_str().starts_with("http://") {
            return Err(Error::invalid("url", "must be a web address"));
        }
        let title = title.map(str::trim).filter(|title| !title.is_empty());
        let title =
            title.map(|title| parse("title", Text::line(title, limits.title_chars_max))).transpose()?;
        let url = match self.inner.page_detail {
            PageDetail::Nothing => return Ok(()),
            PageDetail::Path => Text::from_stored(without_query(url.as_str())),
            PageDetail::Full => url,
        };
        let page = CurrentPage { url, title, at: self.now() };
        let change = self.change(principal);
        if !self.within(self.storage().pages().put(tenant, visitor, &page, &change)).await? {
            return Err(Error::NotFound);
        }
        self.tell(SignalBody::PageSeen { tenant, visitor }, None).await
    }
}

/// An address without query and fragment, and without credentials, which stand before an `@` in its authority.
fn without_query(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_fragment_and_credentials_are_not_kept() {
        for (url, kept) in [
            ("https://example.org/a/b?mail=x#y", "https://example.org/a/b"),
            ("https://example.org#y?z", "https://example.org"),
            ("https://user:secret@example.org:8443/a@b", "https://example.org:8443/a@b"),
            ("http://example.org", "http://example.org"),
        ] {
            assert_eq!(without_query(url), kept);
        }
    }
}
