-- wrk script: each request registers a new instance with a 36-byte id, as a client of the native API would.
-- ROLLCALL_BENCH_PLAIN=1 leaves out tags and metadata. ROLLCALL_BENCH_CLIENT=N: of several runs at a time each has its own.
local thread_count = 10 * tonumber(os.getenv("ROLLCALL_BENCH_CLIENT") or 0)
function setup(thread)
  thread:set("thread_id", thread_count)
  thread_count = thread_count + 1
end
local n = (os.time() % 10000000) * 1000000  -- another run registers other instances
local headers = { ["Content-Type"] = "application/json" }
local body = '{"address":"10.1.2.3","port":8080,"tags":["blue"],"metadata":{"zone":"a"},"ttl":3600}'
if os.getenv("ROLLCALL_BENCH_PLAIN") then body = '{"address":"10.1.2.3","port":8080,"ttl":3600}' end
function request()
  n = n + 1
  local id = string.format("%02d-%016d-benchmark-instan", thread_id, n)
  local service = "service-" .. (n % 1000)
  return wrk.format("PUT", "/services/" .. service .. "/instances/" .. id, headers, body)
end
