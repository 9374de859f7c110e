// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: items of one size, each beside a word that tells its state.
 *
 *	          63       33 32   30 29      0
 *	slot:    | lap       | state | token   | item ...
 *
 * Slots of up to 64 bytes don't straddle a cache line, so that one line moves from
 * producer to consumer for an item of up to 56 bytes.  The item at a position is in
 * slot position % capacity, in lap position / capacity.  The words of a slot only
 * ever grow (modulo 2^64), but for what gives an item back:
 *
 *	FREE(lap) -> CLAIMED(lap, token) -> READY(lap) -> PEEKED(lap, token) -> FREE(lap + 1)
 *	                  |  \______________________________________/^
 *	                  +-> PADDING(lap) ---------------------------+
 *
 * One producer doesn't claim: a successor writes over what wasn't READY, and finds
 * where that begins from a position that is stored now and then (ring_slot_end()).  One
 * consumer doesn't peek or free: it stores its position when it is done, which
 * is what producers then look at, and the words of the last lap stay until they
 * are overwritten.
 *
 * With many, the claim is the step (a compare and exchange of the word), and the
 * token goes in with it, so that there is no instant at which a slot is taken and
 * nobody knows by whom.  The shared position is a hint: whoever finds its slot
 * taken moves it on.  It never passes a slot that isn't taken.
 *
 * Deaths: CLAIMED by one who is gone becomes PADDING, by the consumer that comes to
 * it.  PEEKED by one who is gone is peeked again, by a consumer that finds nothing
 * else (take_over()).
 *
 * Barriers: a word is stored with release and loaded with acquire (W).
 * READY (W0): the item was written before; pairs with the consumer's load.
 * FREE (W1), or one consumer's position (C0): the item was read before it is
 * overwritten; pairs with the load in look_for_room() or claim().
 */
#include "ring.h"

enum state {
	FREE,
	CLAIMED,
	READY,
	PADDING,
	PEEKED,
};

struct slot {
	_Atomic uint64_t word;
	unsigned char item[];
};

#define TOKEN_BITS	30
#define STATE_BITS	3
#define LAP_SHIFT	(TOKEN_BITS + STATE_BITS)

static ALWAYS_INLINE uint64_t make_word(const struct ipcshm_ring *ring, uint64_t position,
					enum state state, uint32_t token)
{
	return (position >> ring->shift) << LAP_SHIFT | (uint64_t)state << TOKEN_BITS | token;
}

static ALWAYS_INLINE enum state state_of(uint64_t word)
{
	return word >> TOKEN_BITS & ((1U << STATE_BITS) - 1);
}

static ALWAYS_INLINE uint32_t token_of(uint64_t word)
{
	return word & IPCSHM_TOKEN_MASK;
}

/* The same lap and state. */
static ALWAYS_INLINE bool word_is(uint64_t word, uint64_t other)
{
	return word >> TOKEN_BITS == other >> TOKEN_BITS;
}

/* Is the slot further than that in its life? */
static ALWAYS_INLINE bool is_beyond(uint64_t word, uint64_t other)
{
	return (int64_t)((word & ~(uint64_t)IPCSHM_TOKEN_MASK) - other) > 0;
}

static ALWAYS_INLINE struct slot *slot_at(const struct ipcshm_ring *ring, uint64_t position)
{
	return (struct slot *)(ring->data + (position & ring->mask) * ring->stride);
}

static ALWAYS_INLINE uint64_t load_word(const struct slot *slot)
{
	return atomic_load_explicit(&slot->word, memory_order_acquire);
}

static ALWAYS_INLINE bool change_word(struct slot *slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&slot->word, &from, to,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

static ALWAYS_INLINE uint64_t load_hint(const struct ring_side *side)
{
	return atomic_load_explicit(&side->position, memory_order_acquire);
}

/* The slot at @position was seen to be taken: the next is after it. */
static ALWAYS_INLINE void move_hint(struct ring_side *side, uint64_t position)
{
	atomic_compare_exchange_strong_explicit(&side->position, &position, position + 1,
						memory_order_release, memory_order_relaxed);
}

/* One producer. */

/*
 * Sets ring->limit, the first position that may not be used yet; false: the ring is
 * damaged.  With many consumers, slots become free in any order: only the next is
 * looked at.
 */
static __attribute__((noinline)) bool look_for_room(struct ipcshm_ring *ring)
{
	uint64_t head;

	if (ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER)) {
		if (load_word(slot_at(ring, ring->position)) ==
		    make_word(ring, ring->position, FREE, 0))
			ring->limit = ring->position + 1;
		return true;
	}
	head = load_hint(&ring_shared(ring)->consumer);
	if (ring->position - head > ring->capacity)
		return false;
	ring->limit = head + ring->capacity;
	return true;
}

static ALWAYS_INLINE int await_room(struct ipcshm_ring *ring)
{
	if (LIKELY(ring->position != ring->limit))
		return 0;
	if (!look_for_room(ring))
		return -EBADMSG;
	return ring->position != ring->limit ? 0 : -EAGAIN;
}

/* W0 */
static ALWAYS_INLINE void make_ready(struct ipcshm_ring *ring, struct slot *slot)
{
	const uint64_t position = ring->position;

	atomic_store_explicit(&slot->word, make_word(ring, position, READY, 0),
			      memory_order_release);
	ring->position = position + 1;
}

static ALWAYS_INLINE void store_position(struct ipcshm_ring *ring, struct ring_side *side)
{
	atomic_store_explicit(&side->position, ring->position, memory_order_release);
}

/*
 * A store more for each item, to another line, is half as much work again.  It is for a
 * successor only, which looks on from there: less than a lap.
 */
#define NOTE_EACH	16	/* items */

static ALWAYS_INLINE void note_position(struct ipcshm_ring *ring, uint64_t more)
{
	if (UNLIKELY((ring->position & ring->mask & (NOTE_EACH - 1)) < more))
		store_position(ring, &ring_shared(ring)->producer);
}

static ALWAYS_INLINE void prepare_next(const struct ipcshm_ring *ring)
{
	if (LIKELY(ring->limit - ring->position > ring->ahead))
		prepare_to_write((unsigned char *)slot_at(ring, ring->position + ring->ahead));
}

/* There is room, and the item was written to @slot. */
static ALWAYS_INLINE void put_done(struct ipcshm_ring *ring, struct slot *slot)
{
	make_ready(ring, slot);
	note_position(ring, 1);
	prepare_next(ring);
	ring_publish_items(ring, 1);
}

static __attribute__((noinline)) int put_any(struct ipcshm_ring *ring, const void *data)
{
	int ret = await_room(ring);
	struct slot *slot;

	if (ret)
		return ret;
	slot = slot_at(ring, ring->position);
	copy_item(slot->item, data, ring->item_size);
	put_done(ring, slot);
	return 0;
}

static int put_one(struct ipcshm_ring *ring, const void *data, size_t size)
{
	const uint64_t position = ring->position;
	struct slot *slot = slot_at(ring, position);

	(void)size;
	if (UNLIKELY(position == ring->limit || !is_few_words(ring->item_size)))
		return put_any(ring, data);
	copy_words(slot->item, data, ring->item_size);
	put_done(ring, slot);
	return 0;
}

/* Is there room for so many?  A word is looked at for each that isn't known of. */
static bool has_room_for(struct ipcshm_ring *ring, size_t want)
{
	uint64_t position = ring->position;
	bool sound = true;

	if (ring->limit - position >= want)
		return true;
	if (!ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER)) {
		sound = look_for_room(ring);
		return sound && ring->limit - position >= want;
	}
	while (ring->limit - position < want &&
	       load_word(slot_at(ring, ring->limit)) == make_word(ring, ring->limit, FREE, 0))
		ring->limit++;
	return ring->limit - position >= want;
}

static ssize_t put_some_of_one(struct ipcshm_ring *ring, const void *items, size_t want, bool all)
{
	const unsigned char *from = items;
	int ret = await_room(ring);
	struct slot *slot;
	uint64_t have;
	uint64_t i;

	if (ret)
		return ret;
	if (!has_room_for(ring, want) && all)
		return -EAGAIN;
	have = ring->limit - ring->position;
	if (have > want)
		have = want;
	for (i = 0; i < have; i++, from += ring->item_size) {
		slot = slot_at(ring, ring->position);
		copy_item(slot->item, from, ring->item_size);
		make_ready(ring, slot);
		prepare_next(ring);
	}
	note_position(ring, have);
	ring_publish_items(ring, have);
	return (ssize_t)have;
}

static int reserve_one(struct ipcshm_ring *ring, size_t size, void **data)
{
	int ret = await_room(ring);
	struct slot *slot;

	(void)size;
	if (UNLIKELY(ret))
		return ret;
	slot = slot_at(ring, ring->position);
	ring->held = slot;
	*data = slot->item;
	return 0;
}

static int commit_one(struct ipcshm_ring *ring, size_t size)
{
	(void)size;
	put_done(ring, ring->held);
	return 0;
}

static int nothing_to_undo(struct ipcshm_ring *ring)
{
	(void)ring;
	return 0;
}

/*
 * The first position that isn't made ready: on from the one that was noted, over what
 * was made ready, and may have been consumed since.  Who died may have noted nothing of
 * nearly a lap, and put as many at once after that.
 */
uint64_t ring_slot_end(const struct ipcshm_ring *ring)
{
	uint64_t position = load_hint(&ring_shared(ring)->producer);
	uint64_t i;

	for (i = 0; i < 2 * ring->capacity; i++, position++)
		if (!is_beyond(load_word(slot_at(ring, position)),
			       make_word(ring, position, FREE, 0)))
			break;
	return position;
}

static void recover_producer(struct ipcshm_ring *ring)
{
	uint64_t position = ring_slot_end(ring);

	ring->position = position;
	ring->limit = position;
	ring->ahead = (uint32_t)((RING_AHEAD + ring->stride - 1) / ring->stride);
	store_position(ring, &ring_shared(ring)->producer);
}

/* Many producers. */

/*
 * May the slot at @position, whose word is from an earlier lap or FREE, be claimed?
 * 0, or -EAGAIN: it is still in use; -EBADMSG.
 */
static ALWAYS_INLINE int may_claim(struct ipcshm_ring *ring, uint64_t position, uint64_t word)
{
	uint64_t head;

	if (ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return word == make_word(ring, position, FREE, 0) ? 0 : -EAGAIN;
	if (LIKELY(position - ring->limit + ring->capacity < ring->capacity))
		return 0;
	head = load_hint(&ring_shared(ring)->consumer);
	if (position - head > ring->capacity)
		return -EBADMSG;
	ring->limit = head + ring->capacity;
	return position != ring->limit ? 0 : -EAGAIN;
}

/*
 * With _OVERWRITE, a slot whose item is a lap old can be claimed as it is, unless
 * somebody alive is at work on it.
 */
static int may_overwrite(struct ipcshm_ring *ring, uint64_t position, uint64_t word)
{
	uint64_t old = position - ring->capacity;

	if (word_is(word, make_word(ring, old, READY, 0)) ||
	    word_is(word, make_word(ring, old, PADDING, 0)))
		return 0;
	if (word_is(word, make_word(ring, old, PEEKED, 0)) ||
	    word_is(word, make_word(ring, old, CLAIMED, 0)))
		return is_gone(ring, token_of(word)) ? 0 : -EAGAIN;
	return -EAGAIN;
}

static void count_overwritten(struct ipcshm_ring *ring, uint64_t word)
{
	struct ring_counters *counters = &ring_shared(ring)->counters;

	if (state_of(word) == READY || state_of(word) == PEEKED)
		count(&counters->dropped, 1);
	else if (state_of(word) == CLAIMED)
		count(&counters->skipped, 1);
}

/* Claims the next slot: filled in is its position. */
static ALWAYS_INLINE int claim(struct ipcshm_ring *ring, uint64_t *claimed)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const uint32_t token = area_token(ring->area);
	uint32_t tries;

	if (UNLIKELY(!token))
		return -ESRCH;
	for (tries = 0; tries < RING_TRIES; tries++) {
		uint64_t position = load_hint(side);
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_word(slot);
		uint64_t mine = make_word(ring, position, CLAIMED, token);
		int ret;

		if (is_beyond(word, make_word(ring, position, FREE, 0))) {
			move_hint(side, position);
			continue;
		}
		ret = may_claim(ring, position, word);
		if (UNLIKELY(ret) && ring_has_many(ring, IPCSHM_RING_OVERWRITE))
			ret = may_overwrite(ring, position, word);
		/* Where the slot or the hint has moved on meanwhile, this says nothing. */
		if (UNLIKELY(ret)) {
			if (load_word(slot) != word || load_hint(side) != position)
				continue;
			return ret;
		}
		if (!change_word(slot, word, mine))
			continue;
		move_hint(side, position);
		if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
			count_overwritten(ring, word);
		*claimed = position;
		return 0;
	}
	return -EBADMSG;
}

/* W0.  A slot that is CLAIMED is changed by nobody else while its owner lives. */
static ALWAYS_INLINE void finish_claim(struct ipcshm_ring *ring, uint64_t position,
				       enum state state)
{
	atomic_store_explicit(&slot_at(ring, position)->word,
			      make_word(ring, position, state, 0), memory_order_release);
}

static int put_many(struct ipcshm_ring *ring, const void *data, size_t size)
{
	uint64_t position = 0;
	int ret = claim(ring, &position);

	(void)size;
	if (UNLIKELY(ret))
		return ret;
	copy_item(slot_at(ring, position)->item, data, ring->item_size);
	finish_claim(ring, position, READY);
	ring_publish_claimed(ring, 1);
	return 0;
}

static void skip_claims(struct ipcshm_ring *ring, const uint64_t *positions, size_t number)
{
	size_t i;

	for (i = 0; i < number; i++)
		finish_claim(ring, positions[i], PADDING);
	count(&ring_shared(ring)->counters.skipped, number);
	ring_publish_claimed(ring, number);
}

static ssize_t claim_some(struct ipcshm_ring *ring, uint64_t *positions, size_t want)
{
	size_t have;
	int ret = 0;

	for (have = 0; have < want && !ret; have += !ret)
		ret = claim(ring, &positions[have]);
	return have ? (ssize_t)have : ret;
}

/* May as many be claimed, if nobody else does? */
static bool seems_to_have_room(struct ipcshm_ring *ring, size_t want)
{
	uint64_t position = load_hint(&ring_shared(ring)->producer);
	size_t i;

	if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		return true;
	if (!ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return position + want - load_hint(&ring_shared(ring)->consumer) <= ring->capacity;
	for (i = 0; i < want; i++, position++)
		if (is_beyond(make_word(ring, position, FREE, 0), load_word(slot_at(ring, position))))
			return false;
	return true;
}

static int ready_to_claim(struct ipcshm_ring *ring)
{
	return seems_to_have_room(ring, 1) ? 0 : -EAGAIN;
}

static ssize_t put_some_of_many(struct ipcshm_ring *ring, const void *items, size_t want, bool all)
{
	uint64_t positions[IPCSHM_RING_BULK_MAX];
	const unsigned char *from = items;
	ssize_t have;
	ssize_t i;

	if (want > IPCSHM_RING_BULK_MAX)
		want = IPCSHM_RING_BULK_MAX;
	if (all && !seems_to_have_room(ring, want))
		return -EAGAIN;
	have = claim_some(ring, positions, want);
	if (have < 0)
		return have;
	if (all && (size_t)have < want) {
		skip_claims(ring, positions, (size_t)have);
		return -EAGAIN;
	}
	for (i = 0; i < have; i++, from += ring->item_size) {
		copy_item(slot_at(ring, positions[i])->item, from, ring->item_size);
		finish_claim(ring, positions[i], READY);
	}
	ring_publish_claimed(ring, (uint64_t)have);
	return have;
}

static int reserve_many(struct ipcshm_ring *ring, size_t size, void **data)
{
	uint64_t position = 0;
	int ret = claim(ring, &position);

	(void)size;
	if (ret)
		return ret;
	ring->held = slot_at(ring, position);
	ring->position = position;
	*data = ((struct slot *)ring->held)->item;
	return 0;
}

static int commit_many(struct ipcshm_ring *ring, size_t size)
{
	(void)size;
	finish_claim(ring, ring->position, READY);
	ring_publish_claimed(ring, 1);
	return 0;
}

static int discard_many(struct ipcshm_ring *ring)
{
	skip_claims(ring, &ring->position, 1);
	return 0;
}

static void recover_many_producers(struct ipcshm_ring *ring)
{
	ring->limit = 0;
}

/* Consumers. */

/*
 * CLAIMED, by one who may be gone.  Only what was there is changed: it may have
 * become READY before the end.
 */
static bool skip_if_gone(struct ipcshm_ring *ring, struct slot *slot, uint64_t position,
			 uint64_t word)
{
	if (!word_is(word, make_word(ring, position, CLAIMED, 0)) ||
	    !is_gone(ring, token_of(word)))
		return false;
	if (change_word(slot, word, make_word(ring, position, PADDING, 0)))
		count(&ring_shared(ring)->counters.skipped, 1);
	return true;
}

/* One consumer. */

/* C0, pairs with look_for_room() and may_claim(). */
static ALWAYS_INLINE void consumed(struct ipcshm_ring *ring, uint64_t more)
{
	ring->position += more;
	store_position(ring, &ring_shared(ring)->consumer);
	ring_publish_room(ring, more);
}

/* The next slot isn't ready: is that to be skipped?  Each step is for good. */
static __attribute__((noinline)) bool skip_one(struct ipcshm_ring *ring)
{
	struct slot *slot = slot_at(ring, ring->position);
	uint64_t word = load_word(slot);

	if (word_is(word, make_word(ring, ring->position, PADDING, 0))) {
		consumed(ring, 1);
		return true;
	}
	return skip_if_gone(ring, slot, ring->position, word);
}

static ALWAYS_INLINE bool is_ready(const struct ipcshm_ring *ring)
{
	return load_word(slot_at(ring, ring->position)) ==
	       make_word(ring, ring->position, READY, 0);
}

static ALWAYS_INLINE int await_item(struct ipcshm_ring *ring)
{
	uint64_t tries;

	if (LIKELY(is_ready(ring)))
		return 0;
	for (tries = 0; tries <= 2 * ring->capacity && skip_one(ring); tries++)
		if (is_ready(ring))
			return 0;
	return -EAGAIN;
}

static __attribute__((noinline)) ssize_t get_any(struct ipcshm_ring *ring, void *data)
{
	int ret = await_item(ring);

	if (ret)
		return ret;
	copy_item(data, slot_at(ring, ring->position)->item, ring->item_size);
	consumed(ring, 1);
	return ring->item_size;
}

static ssize_t get_one(struct ipcshm_ring *ring, void *data, size_t size)
{
	const uint32_t item_size = ring->item_size;

	(void)size;
	if (UNLIKELY(!is_ready(ring) || !is_few_words(item_size)))
		return get_any(ring, data);
	copy_words(data, slot_at(ring, ring->position)->item, item_size);
	consumed(ring, 1);
	return item_size;
}

/* How many are ready, of @want; @span: so many slots on, since some are skipped. */
static size_t how_many_ready(struct ipcshm_ring *ring, size_t want, uint64_t *span)
{
	size_t have = 0;
	uint64_t i;

	for (i = 0; i < ring->capacity && have < want; i++) {
		uint64_t position = ring->position + i;
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_word(slot);

		/* Its owner may have made it ready in the end. */
		if (skip_if_gone(ring, slot, position, word))
			word = load_word(slot);
		if (word == make_word(ring, position, READY, 0))
			have++;
		else if (!word_is(word, make_word(ring, position, PADDING, 0)))
			break;
	}
	*span = i;
	return have;
}

/* @have of the next @span; false: somebody has written to their words meanwhile. */
static bool copy_ready(struct ipcshm_ring *ring, unsigned char *to, size_t have, uint64_t span)
{
	uint64_t i;

	for (i = 0; i < span && have; i++) {
		uint64_t position = ring->position + i;
		struct slot *slot = slot_at(ring, position);

		if (load_word(slot) != make_word(ring, position, READY, 0))
			continue;
		copy_item(to, slot->item, ring->item_size);
		to += ring->item_size;
		have--;
	}
	return !have;
}

static ssize_t get_some_of_one(struct ipcshm_ring *ring, void *items, size_t want, bool all)
{
	int ret = await_item(ring);
	uint64_t span;
	size_t have;

	if (ret)
		return ret;
	have = how_many_ready(ring, want, &span);
	if (all && have < want)
		return -EAGAIN;
	if (!copy_ready(ring, items, have, span))
		return -EBADMSG;
	consumed(ring, span);
	return (ssize_t)have;
}

static ssize_t peek_one(struct ipcshm_ring *ring, const void **data)
{
	int ret = await_item(ring);

	if (ret)
		return ret;
	ring->held = slot_at(ring, ring->position);
	*data = ((struct slot *)ring->held)->item;
	return ring->item_size;
}

static int release_one(struct ipcshm_ring *ring)
{
	consumed(ring, 1);
	return 0;
}

static void recover_consumer(struct ipcshm_ring *ring)
{
	ring->position = load_hint(&ring_shared(ring)->consumer);
}

/* Many consumers. */

/*
 * With _OVERWRITE, producers may have gone over the consumers' hint by many laps:
 * what is there now begins a lap before theirs.
 */
static void catch_up(struct ipcshm_ring *ring, uint64_t position)
{
	struct ring_shared *shared = ring_shared(ring);
	uint64_t tail = load_hint(&shared->producer);

	if ((int64_t)(tail - position) > (int64_t)ring->capacity)
		atomic_compare_exchange_strong_explicit(&shared->consumer.position, &position,
							tail - ring->capacity,
							memory_order_release,
							memory_order_relaxed);
}

static uint64_t freed(uint64_t word)
{
	return ((word >> LAP_SHIFT) + 1) << LAP_SHIFT;
}

/* A slot that is PEEKED is changed by nobody else while its owner lives. */
static void hold(struct ipcshm_ring *ring, struct slot *slot, uint64_t word)
{
	ring->held = slot;
	ring->held_word = word;
}

/* The slot at the hint isn't ready; true: look again. */
static bool pass(struct ipcshm_ring *ring, struct slot *slot, uint64_t position, uint64_t word)
{
	struct ring_side *side = &ring_shared(ring)->consumer;

	if (word_is(word, make_word(ring, position, PADDING, 0))) {
		if (change_word(slot, word, freed(word)))
			ring_publish_room(ring, 1);
		return true;
	}
	if (is_beyond(word, make_word(ring, position, READY, 0))) {
		if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
			catch_up(ring, position);
		move_hint(side, position);
		return true;
	}
	return skip_if_gone(ring, slot, position, word) || load_hint(side) != position;
}

static uint32_t returned_now(const struct ipcshm_ring *ring)
{
	return (uint32_t)atomic_load_explicit(&ring_shared(ring)->counters.returned,
					      memory_order_acquire);
}

/* Has anything happened since take_over() found nothing? */
static bool may_take_over(const struct ipcshm_ring *ring)
{
	return ring->deaths != ipcshm_area_deaths(ring->area) ||
	       ring->returned != returned_now(ring);
}

/*
 * The items that those had who are gone.  They are behind the hint: all slots are
 * looked at, once after each death.
 */
static int take_over(struct ipcshm_ring *ring)
{
	const uint32_t token = area_token(ring->area);
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint64_t i;

	for (i = 0; i < ring->capacity; i++) {
		struct slot *slot = slot_at(ring, i);
		uint64_t word = load_word(slot);
		uint64_t mine = (word & ~(uint64_t)IPCSHM_TOKEN_MASK) | token;

		if (state_of(word) != PEEKED || !is_gone(ring, token_of(word)) ||
		    !change_word(slot, word, mine))
			continue;
		if (token_of(word))
			count(&ring_shared(ring)->counters.returned, 1);
		hold(ring, slot, mine);
		return 0;
	}
	ring->deaths = deaths;
	ring->returned = returned;
	return -EAGAIN;
}

/* The next item is the caller's: ring->held. */
static ALWAYS_INLINE int take(struct ipcshm_ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->consumer;
	const uint32_t token = area_token(ring->area);
	uint32_t tries;

	if (UNLIKELY(!token))
		return -ESRCH;
	for (tries = 0; tries < RING_TRIES; tries++) {
		uint64_t position = load_hint(side);
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_word(slot);
		uint64_t mine = make_word(ring, position, PEEKED, token);

		if (LIKELY(word == make_word(ring, position, READY, 0))) {
			if (!change_word(slot, word, mine))
				continue;
			move_hint(side, position);
			hold(ring, slot, mine);
			return 0;
		}
		if (!pass(ring, slot, position, word))
			return may_take_over(ring) ? take_over(ring) : -EAGAIN;
	}
	return -EBADMSG;
}

/* W1 */
static ALWAYS_INLINE void give_room(struct slot *slot, uint64_t word)
{
	atomic_store_explicit(&slot->word, freed(word), memory_order_release);
}

static ssize_t get_many(struct ipcshm_ring *ring, void *data, size_t size)
{
	int ret = take(ring);

	(void)size;
	if (UNLIKELY(ret))
		return ret;
	copy_item(data, ((struct slot *)ring->held)->item, ring->item_size);
	give_room(ring->held, ring->held_word);
	ring->held = NULL;
	ring_publish_room(ring, 1);
	return ring->item_size;
}

static ssize_t peek_many(struct ipcshm_ring *ring, const void **data)
{
	int ret = take(ring);

	if (ret)
		return ret;
	*data = ((struct slot *)ring->held)->item;
	return ring->item_size;
}

static int release_many(struct ipcshm_ring *ring)
{
	give_room(ring->held, ring->held_word);
	ring_publish_room(ring, 1);
	return 0;
}

/* As if its owner had died. */
static void give_back(struct ipcshm_ring *ring, struct slot *slot, uint64_t word)
{
	atomic_store_explicit(&slot->word, word & ~(uint64_t)IPCSHM_TOKEN_MASK,
			      memory_order_release);
	atomic_fetch_add_explicit(&ring_shared(ring)->counters.returned, 1, memory_order_release);
	ring_publish_claimed(ring, 1);
}

static int unpeek_many(struct ipcshm_ring *ring)
{
	give_back(ring, ring->held, ring->held_word);
	return 0;
}

struct taken {
	struct slot *slot;
	uint64_t word;
};

static ssize_t take_some(struct ipcshm_ring *ring, struct taken *taken, size_t want)
{
	size_t have = 0;
	int ret = 0;

	while (have < want && !ret) {
		ret = take(ring);
		if (!ret)
			taken[have++] = (struct taken) { ring->held, ring->held_word };
		ring->held = NULL;
	}
	return have ? (ssize_t)have : ret;
}

/* Ready, or to be taken over, wherever they are. */
static bool has_anywhere(const struct ipcshm_ring *ring, size_t want)
{
	size_t have = 0;
	uint64_t i;

	for (i = 0; i < ring->capacity && have < want; i++) {
		uint64_t word = load_word(slot_at(ring, i));

		have += state_of(word) == READY ||
			(state_of(word) == PEEKED && is_gone(ring, token_of(word)));
	}
	return have == want;
}

/* Would as many be found, if nobody else took any? */
static bool seems_to_have_items(struct ipcshm_ring *ring, size_t want)
{
	uint64_t span;

	/* What is taken in vain and given back would be a reason to try again at once. */
	if (may_take_over(ring))
		return want == 1 || has_anywhere(ring, want);
	ring->position = load_hint(&ring_shared(ring)->consumer);
	return how_many_ready(ring, want, &span) == want;
}

static int ready_to_take(struct ipcshm_ring *ring)
{
	return seems_to_have_items(ring, 1) ? 0 : -EAGAIN;
}

static ssize_t get_some_of_many(struct ipcshm_ring *ring, void *items, size_t want, bool all)
{
	struct taken taken[IPCSHM_RING_BULK_MAX];
	unsigned char *to = items;
	ssize_t have;
	ssize_t i;

	if (want > IPCSHM_RING_BULK_MAX)
		want = IPCSHM_RING_BULK_MAX;
	if (all && !seems_to_have_items(ring, want))
		return -EAGAIN;
	have = take_some(ring, taken, want);
	for (i = 0; all && have < (ssize_t)want && i < have; i++)
		give_back(ring, taken[i].slot, taken[i].word);
	if (have < 0 || (all && have < (ssize_t)want))
		return have < 0 ? have : -EAGAIN;
	for (i = 0; i < have; i++, to += ring->item_size) {
		copy_item(to, taken[i].slot->item, ring->item_size);
		give_room(taken[i].slot, taken[i].word);
	}
	ring_publish_room(ring, (uint64_t)have);
	return have;
}

/* Whoever died before may have left something. */
static void recover_many_consumers(struct ipcshm_ring *ring)
{
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
}

/* Making one. */

static uint64_t stride_of(uint64_t item_size)
{
	uint64_t bytes = sizeof(struct slot) + item_size;
	uint64_t stride = 16;

	if (bytes > 64)
		return (bytes + 63) & ~(uint64_t)63;
	while (stride < bytes)
		stride *= 2;
	return stride;
}

static int geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	if (!attr->item_size)
		return -EINVAL;
	*stride = stride_of(attr->item_size);
	*bytes = attr->capacity * *stride;
	return 0;
}

static void format(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	uint64_t i;

	for (i = 0; i < attr->capacity; i++)
		atomic_init(&((struct slot *)(data + i * stride))->word, 0);
}

static const struct ring_ops one_producer = {
	.recover = recover_producer,
	.ready = await_room,
	.put = put_one,
	.put_some = put_some_of_one,
	.reserve = reserve_one,
	.commit = commit_one,
	.undo = nothing_to_undo,
};

static const struct ring_ops many_producers = {
	.recover = recover_many_producers,
	.ready = ready_to_claim,
	.put = put_many,
	.put_some = put_some_of_many,
	.reserve = reserve_many,
	.commit = commit_many,
	.undo = discard_many,
};

static const struct ring_ops one_consumer = {
	.recover = recover_consumer,
	.ready = await_item,
	.get = get_one,
	.get_some = get_some_of_one,
	.peek = peek_one,
	.release = release_one,
	.undo = nothing_to_undo,
};

static const struct ring_ops many_consumers = {
	.recover = recover_many_consumers,
	.ready = ready_to_take,
	.get = get_many,
	.get_some = get_some_of_many,
	.peek = peek_many,
	.release = release_many,
	.undo = unpeek_many,
};

const struct ring_layout ring_slots = {
	.producer = { &one_producer, &many_producers },
	.consumer = { &one_consumer, &many_consumers },
	.geometry = geometry,
	.format = format,
};
