import { listBlocks, listMutes, listPeople, listRequests, type People } from '../api/graph';
import { listComments, listLikers, listPosts, listSaved, listTagged, readFeed } from '../api/posts';
import type { Account, Comment, FeedPage, Page, Post } from '../api/types';
import { noteMarker, tellSeen } from '../feed/seen.svelte';
import { served } from '../feed/tier.svelte';
import { preferences } from '../session/preferences.svelte';
import { entities, type Person } from './entities.svelte';
import { listOf, mapPage, PagedList } from './list.svelte';

const posts = (page: Page<Post>): Page<Post> => mapPage(page, (post) => entities.post(post));
const people = (page: Page<Account>): Page<Person> =>
  mapPage(page, (account) => entities.person(account));
const comments = (page: Page<Comment>): Page<Comment> =>
  mapPage(page, (comment) => entities.comment(comment));

export const FEED = 'feed';
export const postsOf = (accountId: string): string => `posts:${accountId}`;

/** The posts of a page of the feed; what answered, and the marker, are noted for the reader. */
const feedPosts = (page: FeedPage, fromStart: boolean): Page<Post> => {
  served.tier = page.tier;
  noteMarker(page, fromStart);
  return posts(page);
};

export const feedList = () =>
  listOf(FEED, async (cursor, signal) => {
    // The marker of a new visit is below what was looked at in the last one.
    if (cursor === null) await tellSeen();
    return feedPosts(await readFeed(cursor, preferences.hideSeen, signal), cursor === null);
  });

/** The page that came with the document, unless the viewer wants another one. */
export const seedFeed = (page: FeedPage): void => {
  if (!preferences.hideSeen) feedList().seed(feedPosts(page, true));
};

export const profileList = (accountId: string) =>
  listOf(postsOf(accountId), async (cursor, signal) =>
    posts(await listPosts(accountId, cursor, signal)),
  );

export const tagList = (tag: string) =>
  listOf(`tag:${tag}`, async (cursor, signal) => posts(await listTagged(tag, cursor, signal)));

export const savedList = () =>
  listOf('saved', async (cursor, signal) => posts(await listSaved(cursor, signal)));

export const peopleList = (accountId: string, which: People) =>
  listOf(`${which}:${accountId}`, async (cursor, signal) =>
    people(await listPeople(accountId, which, cursor, signal)),
  );

export const likersList = (postId: string) =>
  new PagedList<Person>(async (cursor, signal) => people(await listLikers(postId, cursor, signal)));

export const requestsList = () =>
  listOf('requests', async (cursor, signal) => people(await listRequests(cursor, signal)));

export const blocksList = () =>
  new PagedList<Person>(async (cursor, signal) => people(await listBlocks(cursor, signal)));

export const mutesList = () =>
  new PagedList<Person>(async (cursor, signal) => people(await listMutes(cursor, signal)));

export const commentsList = (postId: string) =>
  listOf(`comments:${postId}`, async (cursor, signal) =>
    comments(await listComments(postId, null, cursor, signal)),
  );

export const repliesList = (postId: string, commentId: string) =>
  listOf(`replies:${commentId}`, async (cursor, signal) =>
    comments(await listComments(postId, commentId, cursor, signal)),
  );
