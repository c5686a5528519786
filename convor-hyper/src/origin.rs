//! From which page a request comes, and whether that page may speak here.

use convor::credentials::SiteKey;
use convor::domain::{Origin, Principal};
use convor::{Chat, Error};
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

use crate::problem::Refusal;

/// From which page a request comes.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// What the browser says; a program says nothing.
    origin: Option<HeaderValue>,
    /// For whom the page may speak.
    pub(crate) standing: Standing,
    /// The site that the request's address names.
    pub(crate) site: Option<SiteKey>,
}

/// For whom a page may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is no page but a program, which may speak for whomever its credential says.
    Program,
    /// For the visitors of the site that the address names.
    Site,
    /// For operators.
    Dashboard,
    /// Perhaps for a site that the address does not name: a page on our own origin need not name it.
    Unknown,
}

impl Source {
    /// Compares the `Origin` of a request with the list of the site that its address names, or with the dashboard's.
    pub(crate) async fn of(
        chat: &Chat,
        dashboards: &[Origin],
        headers: &HeaderMap,
        site: Option<Result<SiteKey, Error>>,
    ) -> Result<Self, Refusal> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (origin, None) => origin.cloned(),
            (_, Some(_)) => return Err(Refusal::OriginForbidden),
        };
        let Some(page) = origin.as_ref() else {
            return Ok(Self { origin: None, standing: Standing::Program, site: site.transpose()? });
        };
        let (standing, site) = match site {
            Some(site) => {
                let site = site.map_err(|_| Refusal::OriginForbidden)?;
                check(chat, &site, page).await?;
                (Standing::Site, Some(site))
            }
            None if dashboards.iter().any(|allowed| is(page, allowed)) => (Standing::Dashboard, None),
            None => (Standing::Unknown, None),
        };
        Ok(Self { origin, standing, site })
    }

    /// The origin, for the answer to name; a page that may not speak does not get to read why.
    pub(crate) fn readable(&self) -> Option<&HeaderValue> {
        self.origin.as_ref().filter(|_| self.standing != Standing::Unknown)
    }

    /// Whether a page of the dashboard asks, so that its cookies may come along.
    pub(crate) fn is_dashboard(&self) -> bool {
        self.standing == Standing::Dashboard
    }

    /// Only programs, and pages of the dashboard.
    pub(crate) fn for_operators(&self) -> Result<(), Refusal> {
        match self.standing {
            Standing::Program | Standing::Dashboard => Ok(()),
            Standing::Site | Standing::Unknown => Err(Refusal::OriginForbidden),
        }
    }

    /// Only programs, and pages of this site.
    pub(crate) async fn for_visitors_of(&self, chat: &Chat, site: SiteKey) -> Result<(), Refusal> {
        if self.site.is_some_and(|named| named != site) {
            return Err(Refusal::OriginForbidden);
        }
        match (&self.origin, self.standing) {
            // With the same site named it has been compared already.
            (None, _) | (_, Standing::Site) => Ok(()),
            (Some(page), _) => check(chat, &site, page).await,
        }
    }

    /// Only programs, and pages that may speak for this principal.
    pub(crate) async fn for_principal(&self, chat: &Chat, principal: &Principal) -> Result<(), Refusal> {
        match *principal {
            Principal::Visitor { tenant, site, .. } => {
                self.for_visitors_of(chat, SiteKey::new(tenant, site)).await
            }
            _ => self.for_operators(),
        }
    }

    /// A page of our own origin has turned out to be one of the site's.
    pub(crate) fn vouched(&mut self) {
        if self.standing == Standing::Unknown {
            self.standing = Standing::Site;
        }
    }
}

async fn check(chat: &Chat, site: &SiteKey, page: &HeaderValue) -> Result<(), Refusal> {
    let _work = chat.begin_for_stranger(Some(site.tenant))?;
    match chat.site(site).await {
        Ok(site) if site.origins.iter().any(|allowed| is(page, allowed)) => Ok(()),
        // A site that is not there allows nobody, and reads the same.
        Ok(_) | Err(Error::NotFound) => Err(Refusal::OriginForbidden),
        Err(error) => Err(error.into()),
    }
}

fn is(page: &HeaderValue, allowed: &Origin) -> bool {
    page.as_bytes() == allowed.as_str().as_bytes()
}
