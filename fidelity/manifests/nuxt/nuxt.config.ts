export default defineNuxtConfig({ modules: ['@pinia/nuxt'], telemetry: false, compatibilityDate: '2025-01-01' })
