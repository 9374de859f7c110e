# SPDX-License-Identifier: GPL-2.0-only
# Bugs of the library, which tools/mutation/run and tools/check/mutation read: mutant FILE SED WHAT.
# $test, which lib/Makefile builds, is to find each, run with $arguments.
# shellcheck shell=bash disable=SC2034,SC2016

test=build/check/sync_model
arguments=()
mutant mutex.c 's/if (word & WORD_WAITERS)$/if (!word)/' "unlock wakes no waiter"
mutant mutex.c 's/locked |= WORD_WAITERS/locked |= 0/' "a woken waiter forgets the other sleepers"
mutant mutex.c 's/ipcshm_area_is_alive(area, owner)/ipcshm_area_is_alive(area, owner | 1)/' "the dead are alive"
mutant mutex.c 's/word, deaths, deadline)/word, ipcshm_area_deaths(area), deadline)/' "deaths are counted too late"
mutant mutex.c 's/left ? INT_MAX : 1/1/' "one learns that the mutex isn't recoverable"
mutant mutex.c 's/locked |= INCONSISTENT/locked |= 0/' "a death leaves the mutex consistent"
mutant mutex.c 's/locked | (word & WORD_WAITERS)/locked/' "the next owner forgets who sleeps"
mutant word.h 's/^\tipcshm_area_wake(area, word, 1);//' "a waiter that gives up keeps its wake-up"
mutant word.h 's/uint32_t asleep = value | WORD_WAITERS/uint32_t asleep = value/' "sleepers are not announced"
mutant cond.c 's/^\tret = await_signal(area, cond, word,/\tret = await_signal(area, cond, cond->word,/' "the word is noted after unlocking"
mutant cond.c 's/if (!ret \&\& __atomic_load_n(&cond->word, __ATOMIC_RELAXED) == word)/if (ret > 0)/' "a signal goes to one who came later"
mutant cond.c 's/if (!ret \&\& lock \&\& lock != -EOWNERDEAD)/if (ret > 0)/' "a waiter that gives up keeps its signal"
mutant cond.c 's/return !ret \&\& forget_waiters(cond, word) ? wake_all(area, cond) : 0;/if (!ret) forget_waiters(cond, word); return 0;/' "a task that fell asleep in the meantime is forgotten"
mutant cond.c 's/^\tword = count_signal(cond);/\tword = cond->word;/' "a signal isn't counted"
mutant cond.c 's/(word & ~WAITERS) + SIGNAL/word \& ~WAITERS/' "the word can be again what it was"
mutant cond.c 's/, INT_MAX)/, 1)/' "a broadcast wakes one"
mutant cond.c 's/ret == -EAGAIN || ret == -EOWNERDEAD ? 0/ret == -EAGAIN ? 0/' "a death ends a wait with an error"
mutant event.c 's/left = WORD_WAITERS/left = 0/' "a woken waiter forgets the other sleepers"
mutant event.c 's/is_manual(event) ? INT_MAX : 1/1/' "a manual event wakes one"
mutant event.c 's/return word_take(&event->word, word, left) ? 0 : -EAGAIN/return 0/' "an event isn't taken"
mutant cell.c 's/now - before < BUFFERS - 1/now - before < BUFFERS/' "a read accepts a value that is being written"
mutant cell.c 's/publish_value(area, cell, value, size, version + 1)/publish_value(area, cell, value, size, version + 1 | 1)/' "a version is skipped"
mutant cell.c 's/if (load_version(cell) != version)$/if (false)/' "a reader sleeps though the version has changed"
mutant cell.c 's/& CELL_SLEEPERS)\t/\& ~CELL_SLEEPERS)\t/' "a write wakes no reader"
mutant cell.c 's/return ret == -EOWNERDEAD ? .*/return ret;/' "a dead writer's lock is an error"

test=build/check/topic_model
mutant topic_subscribe.c 's/if (atomic_load(log) == word)/if (true)/' "a subscriber holds a sample that has left the log"
mutant topic_publish.c 's/^\tlook_at_holds(publisher);.*$//' "a publisher takes a sample that is held"
mutant topic_publish.c 's/^\tlook_at_log(publisher);.*$//' "a publisher takes a sample of the history"
mutant topic_publish.c 's/last_lives = ipcshm_area_is_alive(topic->area, token)/last_lives = true/' "loans of the dead count"
mutant topic.h 's/return ((old >> 32) + 1) << 32 | token/return token/' "a claimed sample is claimed again"
mutant topic_publish.c 's/if (is_beyond_limit(publisher, position))/if (false)/' "publishers do not wait for reliable subscribers"
mutant gate.c 's/^\t\t\tipcshm_area_wake.*$//' "a gate that opens wakes no waiter"
mutant topic_publish.c 's/^\t\t\tmove_tail(topic, position);$//' "no publisher moves the tail of a dead one"
mutant topic_publish.c 's/return topic->geometry.publishers == 1;/return true;/' "one of several publishers takes itself for the only one"
mutant topic_publish.c 's/if (!log_is_at(word, position - topic->geometry.history))/if (false)/' "a slow publisher overwrites a later publication"
mutant topic_publish.c 's/gate_open(topic->area, &topic->shared->items)/gate_open(topic->area, \&topic->shared->room)/' "a publication wakes no subscriber"

test=build/check/service_model
arguments=(-t calls_of_one)
mutant service_client.c '/^int ipcshm_client_call(/,/^}/s/^\tgate_open.*$//' "services: a call wakes no server"
mutant service_server.c '/^static void publish_replies(/,/^}/s/^\tgate_open.*$//' "services: a reply wakes no client"
mutant service_server.c '/^static int take_from_row(/,/^}/s/if (!find_ready.*P2 .*$/if (true)/' "services: a request is lost that comes while the pending bit is cleared"
arguments=(-t two_servers)
mutant service_server.c 's/call_state(state) != CALL_READY ||/(call_state(state) != CALL_READY \&\& call_state(state) != CALL_TAKEN) ||/' "services: a server takes what another one has"
arguments=(-t cancelled_call)
mutant service_client.c '/^static bool is_busy(/,/^}/s/return (state/return false \&\& (state/' "services: the memory of a cancelled call is used while a server has it"
arguments=(-t stream)
mutant service_client.c '/^int ipcshm_client_release(/,/^}/s/^\tgate_open.*$//' "services: a release wakes no server"
mutant service_server.c 's/>= service->geometry.max_replies)/> service->geometry.max_replies)/' "services: a reply overwrites one that the client has"
arguments=(-t death_of_the_only_server)
mutant service_client.c '/^static bool is_given_up(/,/^}/s/return call_state/return false \&\& call_state/' "services: the call of a dead server does not fail"
mutant service_client.c '/Replies that the dead server/{n;s/if (.*)/if (true)/}' "services: a reply of a dead server is lost"
arguments=(-t death_of_a_client_that_streams)
mutant service_server.c '/^static bool has_client(/,/^}/s/^\tif (.*&&$/\tif (true ||/' "services: a server waits for a dead client"
arguments=(-t death_of_a_server_whose_calls_are_retried)
mutant service_server.c 's/int ret = take_of_the_dead(server, argument), /int ret = -EAGAIN, /' "services: no server takes over from a dead one"
arguments=(-t server_that_detaches)
mutant service_server.c '/^static void abandon_request(/,/^}/s/CALL_TAKEN, 0)/CALL_TAKEN, server->token)/' "services: the call of a server that has detached does not fail"

test=build/check/ring_model
arguments=(-t slots_of_one_and_one)
mutant ring_slot_single.c 's/^\tring_publish_room(ring, more);//' "rings: a consumer wakes no producer"
mutant ring_slot_single.c '/^static ALWAYS_INLINE void finish_slot_put/,/^}/s/^\tring_publish_items(ring, 1);//' "rings: a producer wakes no consumer"
mutant ring_slot_single.c 's/ring->limit = head + ring->capacity;/ring->limit = head + ring->capacity + 1;/' "rings: a producer overwrites an item"
arguments=(-t records_of_one_and_one)
mutant ring_record_single.c 's/^\tring_publish_room(ring, INT32_MAX);//' "rings: a consumer of records wakes no producer"
mutant ring_record_single.c 's/return (int64_t)(ring->limit - end_of_room(room)) >= 0;/return (int64_t)(ring->limit + RECORD_HEADER - end_of_room(room)) >= 0;/' "rings: a header overwrites a record"
arguments=(-t slots_of_one_and_one)
mutant ring_wait.c 's/^\tret = call->attempt(ring, call);\t\t.*S2.*$/\tret = -EAGAIN;/' "rings: a sleeper doesn't look again"
mutant ring_gate.c 's/mine = (word + COUNT) | SLEEPERS | how;/mine = (word + COUNT) | how;/' "rings: a sleeping task is not announced"
arguments=(-t slots_of_many_with_the_death_of_a_producer)
mutant ring_slot.h 's/!is_gone(ring, token_of(word)))/true)/' "rings: what a dead producer claimed stays claimed"
mutant ring_slot_multi_put.c '/^static int put_claimed_slot/,/^}/s/^\tring_publish_claimed(ring, 1);//' "rings: one of many producers wakes no consumer"
arguments=(-t records_of_many_with_the_death_of_a_producer)
mutant ring_record_multi_room.c 's/!ring_seat_is_gone(ring, seat_of(word)))$/true)/' "rings: a record of a dead producer stays claimed"
arguments=(-t slots_of_many_with_the_death_of_a_consumer)
mutant ring_seat.h '/may_take_over/,/^}/s/return .*/return false \&\&/' "rings: what a dead consumer had is lost"
mutant ring_seat.h 's/ \&\& !ring_confirm(ring, head, last))/ \&\& false)/' "rings: a claim is not made certain by the next"
mutant ring_seat.c 's/^\t\tring_confirm(ring, head, seat);/\t\t;/' "rings: the last claim of the dead does not count"
arguments=(-t records_of_many_with_the_death_of_a_consumer)
mutant ring_record_multi_get.c '/^static ALWAYS_INLINE int take_record(/,/^}/s/if (UNLIKELY(may_take_over(ring)))/if (false)/' "rings: a record that a dead consumer had is lost"
arguments=(-t slots_of_many_consumers_one_of_which_needs_the_rest)
mutant ring_slot_multi_get.c '/^static __attribute__((noinline)) int pass_slot(/,/^}/s/if (load_head(ring) != head || word == .*/if (false)/' "rings: an item that another consumer took means an empty ring"
arguments=(-t slots_of_many_consumers_with_an_event_loop)
mutant ring_call.c 's/!= -EAGAIN || ring_is_hung_up(ring))$/== -EBADMSG)/' "rings: arm doesn't look again"
arguments=(-t slots_of_one_and_one_with_an_event_loop_for_room)
mutant ring_call.c 's/if (!ring_gate_enter(gate, RING_GATE_ALL, \&word))/word = gate->word; if (0)/' "rings: arm doesn't mark the gate"
arguments=(-t slots_of_many_in_bulk_with_the_death_of_a_producer)
mutant ring_slot_multi_put.c '/^static ssize_t put_some_of_many/,/^}/s/^\tring_publish_claimed(ring, (uint64_t)have);//' "rings: bulk wakes no consumer"
mutant ring_slot_multi_put.c '/^static size_t claim_run/,/^}/s/!change_slot_word(slot, word, \(.*\)))$/(change_slot_word(slot, word, \1), false))/' "rings: a batch takes the slots of another producer"
mutant ring_slot_multi_put.c '/^static size_t claim_run/,/^}/s/hint, position,/hint, position + 1,/' "rings: a batch moves the hint past a free slot"
arguments=(-t slots_of_one_and_one_in_bulk)
mutant ring_slot_single.c '/^static ssize_t put_some_of_one/,/^}/s/^\tring_publish_items(ring, have);//' "rings: a burst wakes no consumer"
arguments=(-t slots_that_overwrite_in_place)
mutant ring_slot_multi_put.c '/^static __attribute__((noinline)) int drop_oldest_slot/,/^}/s/if (!claim_items(ring, head, 1, old + 1))/if (false)/' "rings: an item is overwritten that a consumer has"
arguments=(-t slots_that_overwrite)
mutant ring_slot_multi_put.c '/^static int put_overwriting/,/^}/s/!claim_items(ring, head, 1, old + 1)))/(claim_items(ring, head, 1, old + 1), false)))/' "rings: a producer overwrites the oldest item, which it could not claim"
arguments=(-t slots_of_many_that_overwrite_with_a_death)
mutant ring_slot_multi_put.c '/^static int put_overwriting/,/^}/s/^\tstore_slot_word(slot, make_slot_word(ring, position, CLAIMED, ring->token));//' "rings: a slot that is overwritten is claimed by no producer"
arguments=(-t records_that_overwrite)
mutant ring_record_multi_room.c '/^static int drop_oldest_record/,/^}/s/if (!claim_items(ring, head, 1, position + extent))/claim_items(ring, head, 1, position + extent); if (false)/' "rings: a record is overwritten that a consumer has"
arguments=(-t records_of_one_and_many_in_order)
mutant ring_record_multi_put.c '/^static ALWAYS_INLINE void publish_alone/,/^}/s/^\tring_publish_items(ring, 1);//' "rings: the lone producer of records wakes no consumer"
mutant ring_record_multi_put.c '/^static ALWAYS_INLINE int make_room_alone/,/^}/s/^\tret = has_room(.*/\tret = 0;/' "rings: the lone producer overwrites records"
arguments=(-t records_of_one_and_many_with_the_death_of_the_producer)
mutant ring_record_multi_put.c '/^static void recover_lone_producer/,/^}/s/i < 2; i++/i < 0; i++/' "rings: the successor of a lone producer overwrites its last record"
arguments=(-t records_of_many_and_one_in_order)
mutant ring_record_multi_get.c '/^static ALWAYS_INLINE void advance_lone_consumer/,/^}/s/^\tring_publish_room(ring, INT32_MAX);//' "rings: the lone consumer of records wakes no producer"
mutant ring_record_multi_room.c '/^uint64_t ring_record_reclaim/,/^}/s/return head_position(load_head(ring));/return head_position(load_head(ring)) + 1;/' "rings: a producer overwrites the record of the lone consumer"
arguments=(-t records_of_many_and_one_with_the_death_of_a_producer)
mutant ring_record_multi_get.c '/^static .*int pass_alone/,/^}/s/ || ring_record_skip_if_gone(ring, at, word))/)/' "rings: the lone consumer waits for a dead producer"
arguments=(-t slots_of_many_consumers_one_of_which_needs_the_rest)
mutant ring_slot_multi_get.c '/^static ssize_t get_claimed_slot/,/^}/s/!claim_items(ring, head, 1, position + 1)))/(claim_items(ring, head, 1, position + 1), false)))/' "rings: two consumers get the same item"
arguments=(-t slots_of_many_consumers_in_place)
mutant ring_slot_multi_get.c '/^static ssize_t peek_claimed_slot/,/^}/s/!claim_items(ring, head, 1, position + 1)))/(claim_items(ring, head, 1, position + 1), false)))/' "rings: two consumers peek at the same item"
arguments=(-t chunks_of_many_that_two_consumers_reclaim)
mutant ring_record_multi_room.c '/^uint64_t ring_record_reclaim/,/^}/{s/tries < RING_TRIES/tries < 1/;s/return start;/return position;/}' "rings: the reclaimed position lags behind what is used again"

test=build/check/ring_step
arguments=(-v slots_many)
mutant ring_seat.h 's/ \&\& !ring_confirm(ring, head, last))/ \&\& false)/' "rings: a claim of the dead is lost when others have claimed since"
mutant ring_slot_multi_claim.c '/^uint32_t ring_slot_adopt/,/^}/s/ring_slot_end_adopted(ring, seat);/;/' "rings: a claim of padding by the dead keeps its slots"
arguments=(-v slots)
mutant ring_slot_single.c '/^static void recover_slot_producer/,/^}/s/ring_slot_end(ring)/load_hint(\&ring_shared(ring)->producer)/' "rings: a successor of one producer begins at the noted position"
arguments=(-v records_many_consumers)
mutant ring_record_multi_put.c '/^static void recover_lone_producer/,/^}/s/i < 2; i++/i < 0; i++/' "rings: a record that was got is in the way of the dead producer's successor"
