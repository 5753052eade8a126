import type { Post } from '../api/types';

const NEWEST_FIRST = 'Posts are shown in the order in which they were shared, newest first.';

/** Why the feed shows a post, said to its viewer; nothing where the server does not say. */
export function whyText({ why, author }: Pick<Post, 'why' | 'author'>): string {
  const name = `@${author.handle}`;
  switch (why) {
    case 'followed':
      return `You follow ${name}. ${NEWEST_FIRST}`;
    case 'celebrity':
      return `You follow ${name}. Very many people do, so these posts are added when you open your feed. ${NEWEST_FIRST}`;
    case 'own':
      return `You shared this post. ${NEWEST_FIRST}`;
    case 'discovery':
      return `You do not follow ${name}. This post was picked for you because of what you like.`;
    case 'popular':
      return 'Your own feed can not be read at the moment. Until it is back you see posts of public accounts that many people like.';
    default:
      return '';
  }
}
