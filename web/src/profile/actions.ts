import * as api from '../api/graph';
import { reasonOf } from '../api/problem';
import type { FollowAnswer } from '../api/types';
import { mustSignIn } from '../post/actions';
import { session } from '../session/session.svelte';
import { entities, type Person } from '../store/entities.svelte';
import { dropLists, keptList, PagedList } from '../store/list.svelte';
import { FEED, feedList, postsOf } from '../store/lists';
import { turn } from '../store/optimistic';
import { toasts } from '../store/toasts.svelte';
import type { Post, Relation } from '../api/types';

const STRANGER: Relation = {
  following: false,
  requested: false,
  followed_by: false,
  blocking: false,
  muting: false,
};

function relate(person: Person, change: Partial<Relation>): void {
  person.relation = { ...STRANGER, ...person.relation, ...change };
}

/** Shows a follow or unfollow at once: a private account is only asked. */
function showFollow(person: Person, on: boolean): void {
  const before = person.relation ?? STRANGER;
  const asks = on && person.private === true && !before.following;
  const following = on && !asks;
  if (before.following !== following) count(person, following ? 1 : -1);
  relate(person, { following, requested: asks });
}

function count(person: Person, by: number): void {
  if (person.counts) person.counts.followers = Math.max(0, person.counts.followers + by);
  const { viewer } = session;
  if (viewer?.counts) viewer.counts.following = Math.max(0, viewer.counts.following + by);
}

/** Lists that hold what only followers see are read anew. */
function afterFollow(person: Person): void {
  dropLists(postsOf(person.id));
  dropLists('followers:');
  dropLists('following:');
  if (keptList(FEED)) void feedList().reload();
}

export function follow(person: Person, on: boolean): void {
  if (mustSignIn()) return;
  void turn<FollowAnswer | undefined>(`follow:${person.id}`, on, {
    apply: (wanted) => showFollow(person, wanted),
    send: (wanted) => (wanted ? api.follow(person.id) : api.unfollow(person.id)),
    settle: (answer) => {
      if (answer) entities.person(answer.account);
      afterFollow(person);
    },
    failed: (error, wanted) =>
      toasts.fail(
        `Could not ${wanted ? 'follow' : 'unfollow'} @${person.handle}: ${reasonOf(error)}`,
        () => follow(person, wanted),
      ),
  });
}

export function mute(person: Person, on: boolean): void {
  void turn(`mute:${person.id}`, on, {
    apply: (muting) => relate(person, { muting }),
    send: (muting) => (muting ? api.mute(person.id) : api.unmute(person.id)),
    settle: () => {
      if (on) hideFromFeed(person.id);
      toasts.say(on ? `Muted @${person.handle}.` : `Unmuted @${person.handle}.`);
    },
    failed: (error, wanted) =>
      toasts.fail(
        `Could not ${wanted ? 'mute' : 'unmute'} @${person.handle}: ${reasonOf(error)}`,
        () => mute(person, wanted),
      ),
  });
}

/** A block shows at once; its end only when the server says so, or posts would be asked too soon. */
export function block(person: Person, on: boolean): void {
  const before = { ...STRANGER, ...person.relation };
  let last = on;
  void turn(`block:${person.id}`, on, {
    apply: (blocking) => {
      if (blocking) relate(person, { ...STRANGER, blocking, muting: before.muting });
      else if (on) relate(person, before);
    },
    send: (blocking) => {
      last = blocking;
      return blocking ? api.block(person.id) : api.unblock(person.id);
    },
    settle: () => {
      if (last) hideFromFeed(person.id);
      dropLists('followers:');
      dropLists('following:');
      dropLists(postsOf(person.id));
      relate(person, { ...STRANGER, blocking: last, muting: before.muting });
      toasts.say(last ? `Blocked @${person.handle}.` : `Unblocked @${person.handle}.`);
    },
    failed: (error, wanted) =>
      toasts.fail(
        `Could not ${wanted ? 'block' : 'unblock'} @${person.handle}: ${reasonOf(error)}`,
        () => block(person, wanted),
      ),
  });
}

function hideFromFeed(accountId: string): void {
  const feed = keptList<Post>(FEED);
  if (feed) feed.items = feed.items.filter((post) => post.author.id !== accountId);
}

/** Answers a follow request; the row leaves the list at once and returns if the server refuses. */
export async function answerRequest(person: Person, accept: boolean): Promise<void> {
  const list = keptList<Person>('requests');
  list?.remove(person.id);
  relate(person, { requested_by: false, ...(accept && { followed_by: true }) });
  try {
    await (accept ? api.acceptRequest(person.id) : api.declineRequest(person.id));
    const { viewer } = session;
    if (accept && viewer?.counts) viewer.counts.followers += 1;
    dropLists('followers:');
  } catch (error) {
    relate(person, { requested_by: true, ...(accept && { followed_by: false }) });
    list?.prepend(person);
    const what = accept ? 'accept' : 'decline';
    toasts.fail(
      `Could not ${what} @${person.handle}: ${reasonOf(error)}`,
      () => void answerRequest(person, accept),
    );
  }
}

export async function removeFollower(person: Person, list: PagedList<Person>): Promise<void> {
  list.remove(person.id);
  try {
    await api.removeFollower(person.id);
    relate(person, { followed_by: false });
    const { viewer } = session;
    if (viewer?.counts) viewer.counts.followers = Math.max(0, viewer.counts.followers - 1);
  } catch (error) {
    list.prepend(person);
    toasts.fail(`Could not remove @${person.handle}: ${reasonOf(error)}`);
  }
}
