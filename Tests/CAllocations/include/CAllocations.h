#pragma once

/// How often this thread has asked for memory so far; -1 where the allocator cannot be counted (sanitizers).
long allocations_of_this_thread(void);
