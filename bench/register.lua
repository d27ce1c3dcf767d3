-- wrk script: each request registers a new instance, as a client of the native API would.
local thread_count = 0
function setup(thread)
  thread:set("thread_id", thread_count)
  thread_count = thread_count + 1
end
local n = 0
local headers = { ["Content-Type"] = "application/json" }
function request()
  n = n + 1
  local id = string.format("%02d-%016d-benchmark-instance", thread_id, n)
  local service = "service-" .. (n % 1000)
  return wrk.format("PUT", "/services/" .. service .. "/instances/" .. id, headers,
    '{"address":"10.1.2.3","port":8080,"tags":["blue"],"metadata":{"zone":"a"},"ttl":3600}')
end
local bad = 0
function response(status)
  if status ~= 201 then bad = bad + 1 end
end
