import type { SparseRecipe } from '../recipe/recipe';

/** What the server says and takes, as documented in its OpenAPI. Ids are strings, times RFC 3339. */

export interface AccountShort {
  id: string;
  handle: string;
  display_name: string;
  avatar: string | null;
}

export interface Relation {
  following: boolean;
  requested: boolean;
  followed_by: boolean;
  blocking: boolean;
  muting: boolean;
  /** They asked to follow the viewer. */
  requested_by?: boolean;
}

/** Those whom the viewer follows and who follow an account: 100 are that many or more. */
export interface Mutuals {
  count: number;
  /** At most three of them. */
  accounts: AccountShort[];
}

export interface Account extends AccountShort {
  bio: string;
  private: boolean;
  counts: { posts: number; followers: number; following: number };
  /** Null for an anonymous viewer. */
  relation: Relation | null;
  created_at?: string;
  /** Only where the account was read by itself; null where the viewer may not know. */
  mutuals?: Mutuals | null;
}

export interface OwnAccount extends Account {
  email: string;
  admin?: boolean;
}

export type PostState = 'pending' | 'processing' | 'published' | 'failed' | 'held';

export interface Rendition {
  format: string;
  width: number;
  height: number;
  url: string;
}

/** Shares of width and height, from the upper left corner. */
export interface FocalPoint {
  x: number;
  y: number;
}

export interface Slide {
  id: string;
  kind: 'photo' | 'video';
  alt: string | null;
  width: number;
  height: number;
  /** Seconds. */
  duration?: number | null;
  /** Base64. */
  thumbhash: string | null;
  renditions: Rendition[];
  poster?: string | null;
  hls?: string | null;
  mp4?: string | null;
  /** A WebVTT text that names small pictures of a video. */
  sprite?: string | null;
  /** Answers with the picture that fits whoever asks, at `?w=` pixels of the screen. */
  auto?: string | null;
  /** What must stay in sight when the picture is cropped. */
  focal?: FocalPoint | null;
  /** A photo that moves: `mp4` is shown silent, over and over again. */
  animated?: boolean;
  /** Where the original can be downloaded, if its author offers that. */
  original?: string | null;
}

/** Why a feed shows a post; a newer server may know further reasons. */
export type Why = 'followed' | 'celebrity' | 'own' | 'discovery' | 'popular';

export interface Post {
  id: string;
  author: AccountShort;
  caption: string;
  state: PostState;
  reason?: string | null;
  /** Of a failed post: whether trying again may help. */
  retryable?: boolean;
  created_at: string;
  edited_at: string | null;
  comments_enabled?: boolean;
  counts: { likes: number; comments: number };
  viewer: { liked: boolean; saved: boolean };
  slides: Slide[];
  /** Only in a feed. */
  why?: Why;
}

export interface Reaction {
  viewer: { liked: boolean; saved: boolean };
  counts: { likes: number; comments: number };
}

export interface Comment {
  id: string;
  post_id: string;
  author: AccountShort;
  text: string;
  reply_to?: string | null;
  created_at: string;
  counts: { likes: number; replies: number };
  viewer: { liked: boolean };
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface FeedPage extends Page<Post> {
  tier: string;
  /** Before this post the viewer is all caught up; see the API. */
  caught_up: string | null;
}

export interface NotificationPage extends Page<Notification> {
  unread: number;
}

export type NotificationKind =
  | 'follow'
  | 'follow_request'
  | 'like'
  | 'comment'
  | 'reply'
  | 'mention'
  | 'comment_like'
  | 'follow_accepted';

export interface Notification {
  id: string;
  kind: NotificationKind;
  /** At most three, newest first. */
  accounts: AccountShort[];
  account_count: number;
  post?: { id: string; thumb: string | null } | null;
  comment?: { id: string; text: string } | null;
  created_at: string;
  read: boolean;
}

export interface TagCount {
  tag: string;
  posts: number;
}

export interface SearchResult {
  accounts: Account[];
  tags: TagCount[];
}

export interface Limits {
  photo_bytes: number;
  video_bytes: number;
  photo_types: string[];
  video_types: string[];
  slides: number;
  caption: number;
  comment: number;
  alt: number;
  bio: number;
  display_name: number;
  /** Pixels of a photo or a video's picture, and along its longer side. */
  pixels: number;
  side: number;
  video_seconds: number;
  /** How much of a file's beginning the server wants to judge it by. */
  head_bytes: number;
  /** The viewer's bytes of stored media; null for a visitor. */
  quota?: { used: number; limit: number } | null;
}

export type Registration = 'open' | 'invite' | 'closed';

export interface Instance {
  name: string;
  registration: Registration;
  setup_required: boolean;
  version: string;
  limits?: Partial<Limits>;
}

export interface SignedIn {
  account: Account;
  token: string;
}

export interface Session {
  id: string;
  created_at: string;
  last_seen_at: string;
  user_agent: string | null;
  address: string | null;
  current: boolean;
}

export interface FollowAnswer {
  state: 'following' | 'requested';
  account: Account;
}

export type ServerUploadState = 'uploading' | 'processing' | 'ready' | 'failed' | 'expired';

export interface Upload {
  id: string;
  state: ServerUploadState;
  content_type: string;
  bytes: number;
  part_size: number;
  part_count: number;
  parts: { number: number; bytes: number; etag: string }[];
  filename?: string | null;
  reason?: string | null;
  reason_code?: string | null;
  /** Of a failed upload: whether the same file may succeed. */
  retryable?: boolean;
  /** Of a video in work: how much of it is converted, in percent. */
  progress?: number | null;
  expires_at: string;
  slide?: Slide | null;
  /** What its author does to a photo. */
  recipe?: SparseRecipe | null;
  /** Where an edited photo is found as it was sent. */
  unedited?: string | null;
}

/** An own upload in a list. */
export interface UploadSummary {
  id: string;
  state: ServerUploadState;
  content_type: string;
  bytes: number;
  filename: string | null;
  begun_at: string;
  expires_at: string;
  post_id: string | null;
}

/** What the client knows of the bytes it sent, for the server to check. */
export interface SentBytes {
  parts_sha256?: string;
  parts?: { number: number; etag: string }[];
}

export interface NewUpload {
  id: string;
  part_size: number;
  part_count: number;
  expires_at: string;
}

export interface SignedPart {
  url: string;
  method: string;
  headers: Record<string, string>;
  expires_at: string;
}

export interface PostDraft {
  caption: string;
  slides: {
    upload_id: string;
    alt?: string;
    focal?: FocalPoint;
    original?: boolean;
    /** The moment of a video, in seconds, that its poster shows. */
    poster_at?: number;
  }[];
  comments_enabled?: boolean;
}

/** What changes in a post; what is left out stays. */
export interface PostEdit {
  caption?: string;
  /** Descriptions by slide id. */
  alt?: Record<string, string>;
  /** Every slide id once. */
  order?: string[];
  /** By slide id; `null` for none. */
  focal?: Record<string, FocalPoint | null>;
  /** Whether others may download the original, by slide id. */
  original?: Record<string, boolean>;
  comments_enabled?: boolean;
}

export interface FieldError {
  pointer: string;
  detail: string;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors?: FieldError[];
  /** Of `upload-damaged`: the parts to send again. */
  parts?: number[];
}

export interface Boot {
  viewer: Account | null;
  instance: Instance;
  feed: FeedPage | null;
}
