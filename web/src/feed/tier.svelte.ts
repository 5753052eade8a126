/** What answered the newest page of the feed: see `tier` in the API. */
export const served = $state({ tier: '' });

const NOTICES: Record<string, string> = {
  trending: 'Showing popular posts while we catch up',
};

/** What the reader is told about a tier; nothing where the posts are the own feed all the same. */
export const noticeOf = (tier: string): string => NOTICES[tier] ?? '';
