import ServiceRuntime

await serviceMain(.auth, build: authService)
